package pubsubemulator

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
)

// find looks for a Java and the emulator's jar.
func find() (java, jar string, err error) {
	java, noJava := findJava()
	jar, noJar := findJar()
	return java, jar, errors.Join(noJava, noJar)
}

// findJava looks where Java programs do.
func findJava() (string, error) {
	if home := os.Getenv("JAVA_HOME"); home != "" {
		path := filepath.Join(home, "bin", "java")
		if _, err := os.Stat(path); err == nil {
			return path, nil
		}
	}
	path, err := exec.LookPath("java")
	if err != nil {
		return "", errors.New("no java in JAVA_HOME or on PATH")
	}
	return path, nil
}

// findJar looks into every Google Cloud CLI that it finds, and takes the newest
// version by name.
func findJar() (string, error) {
	if path := os.Getenv(EnvJar); path != "" {
		if _, err := os.Stat(path); err != nil {
			return "", fmt.Errorf("%s: %w", EnvJar, err)
		}
		return path, nil
	}
	var roots []string
	if root := os.Getenv("CLOUDSDK_ROOT_DIR"); root != "" {
		roots = append(roots, root)
	}
	if path, err := exec.LookPath("gcloud"); err == nil {
		if path, err = filepath.EvalSymlinks(path); err == nil {
			roots = append(roots, filepath.Dir(filepath.Dir(path)))
		}
	}
	if home, err := os.UserHomeDir(); err == nil {
		roots = append(roots, filepath.Join(home, "google-cloud-sdk"))
	}
	roots = append(roots, packaged...)
	for _, root := range roots {
		found, err := filepath.Glob(filepath.Join(root, "platform", "pubsub-emulator", "lib", "cloud-pubsub-emulator-*-all.jar"))
		if err != nil {
			return "", fmt.Errorf("look into %s: %w", root, err)
		}
		if len(found) > 0 {
			return slices.Max(found), nil
		}
	}
	return "", fmt.Errorf("no emulator in %s, nor in a Google Cloud CLI in CLOUDSDK_ROOT_DIR, on PATH or at its usual places", EnvJar)
}

// packaged are where packages put a Google Cloud CLI.
var packaged = []string{"/usr/lib/google-cloud-sdk", "/usr/share/google-cloud-sdk", "/opt/homebrew/share/google-cloud-sdk", "/usr/local/share/google-cloud-sdk"}
