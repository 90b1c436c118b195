package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/jackc/pgx/v5"
)

// Postgres is a private PostgreSQL with its default settings.
type Postgres struct {
	URL     string // of the database
	Version string
	process *process
}

// StartPostgres starts a PostgreSQL whose programs are on the path or where Debian puts
// them; ErrAbsent when there is none. It does not run as root: as such the user
// "postgres" or "nobody" runs it.
func StartPostgres(ctx context.Context) (*Postgres, error) {
	programs, err := postgresPrograms()
	if err != nil {
		return nil, err
	}
	directory, err := os.MkdirTemp("", "postgres")
	if err != nil {
		return nil, err
	}
	as, err := unprivileged(directory)
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(directory))
	}
	data := filepath.Join(directory, "data")
	initdb := exec.CommandContext(ctx, filepath.Join(programs, "initdb"), "-D", data, "-U", "bench", "--auth", "trust", "--encoding", "UTF8", "--no-locale")
	initdb.Dir, initdb.SysProcAttr = directory, as
	if out, err := initdb.CombinedOutput(); err != nil {
		return nil, errors.Join(fmt.Errorf("initdb: %w: %s", err, out), os.RemoveAll(directory))
	}
	p := &Postgres{
		URL:     "host=" + directory + " user=bench dbname=postgres",
		Version: strings.TrimPrefix(version(ctx, filepath.Join(programs, "postgres")), "postgres (PostgreSQL) "),
	}
	command := exec.CommandContext(context.WithoutCancel(ctx), filepath.Join(programs, "postgres"), "-D", data, "-k", directory, "-c", "listen_addresses=")
	command.Dir, command.SysProcAttr = directory, as
	p.process, err = run(ctx, directory, command, syscall.SIGINT, func(ctx context.Context) error {
		c, err := pgx.Connect(ctx, p.URL)
		if err != nil {
			return err
		}
		return c.Close(ctx)
	})
	return p, err
}

// Close ends the server and waits for it.
func (p *Postgres) Close() error { return p.process.end(syscall.SIGINT) }

// postgresPrograms is the directory with the newest initdb and postgres.
func postgresPrograms() (string, error) {
	directories := filepath.SplitList(os.Getenv("PATH"))
	debian, _ := filepath.Glob("/usr/lib/postgresql/*/bin") // the pattern is well formed
	slices.Reverse(debian)                                  // the newest first
	directories = append(directories, debian...)
	for _, d := range directories {
		if isFile(filepath.Join(d, "initdb")) && isFile(filepath.Join(d, "postgres")) {
			return d, nil
		}
	}
	return "", fmt.Errorf("%w: no initdb and postgres are on the path or in /usr/lib/postgresql", ErrAbsent)
}

func isFile(name string) bool {
	info, err := os.Stat(name)
	return err == nil && info.Mode().IsRegular()
}

// unprivileged is how root starts a program that refuses root: as a user to whom the
// directory is given. For others it is nil.
func unprivileged(directory string) (*syscall.SysProcAttr, error) {
	if os.Geteuid() != 0 {
		return nil, nil //nolint:nilnil // no attributes are the default
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err := strconv.ParseUint(u.Uid, 10, 32)
		if err != nil {
			return nil, err
		}
		gid, err := strconv.ParseUint(u.Gid, 10, 32)
		if err != nil {
			return nil, err
		}
		if err := os.Chown(directory, int(uid), int(gid)); err != nil {
			return nil, err
		}
		return &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}, nil
	}
	return nil, fmt.Errorf("%w: PostgreSQL does not run as root, and there is no user postgres or nobody", ErrAbsent)
}
