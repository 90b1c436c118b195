// Command pack makes the zip of a Lambda function: the program as bootstrap, and the
// files that it reads. The same files make the same bytes, so that nothing is deployed
// anew because of the time of day.
package main

import (
	"archive/zip"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"
)

// epoch is the time of every file in the zip, the first that the format knows.
var epoch = time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)

// pack writes the files under their base names. The one called bootstrap, without which
// there is no function, can be executed.
func pack(out string, files []string) (err error) {
	zipped, err := os.Create(out)
	if err != nil {
		return err
	}
	defer func() {
		if err = errors.Join(err, zipped.Close()); err != nil {
			_ = os.Remove(out) // half of a zip is none
		}
	}()
	w := zip.NewWriter(zipped)
	seen := make(map[string]bool)
	for _, path := range files {
		name := filepath.Base(path)
		if seen[name] {
			return fmt.Errorf("%s is there twice", name)
		}
		seen[name] = true
		if err := add(w, path, name); err != nil {
			return err
		}
	}
	if !seen["bootstrap"] {
		return errors.New("no file is called bootstrap, which Lambda starts")
	}
	return w.Close()
}

func add(w *zip.Writer, path, name string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	header := &zip.FileHeader{Name: name, Method: zip.Deflate, Modified: epoch}
	header.SetMode(0o644)
	if name == "bootstrap" {
		header.SetMode(0o755)
	}
	into, err := w.CreateHeader(header)
	if err != nil {
		return err
	}
	_, err = io.Copy(into, file)
	return err
}

func main() {
	out := flag.String("o", "bootstrap.zip", "`file` to write")
	flag.Parse()
	if err := pack(*out, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "pack:", err)
		os.Exit(1)
	}
}
