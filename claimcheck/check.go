package claimcheck

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"

	"gocloud.dev/blob"

	"github.com/longshore-dev/longshore/driver"
)

// checkName is the name of the object that CheckRead looks for, and how those begin that
// CheckWrite writes.
const checkName = "longshore-check"

// CheckRead reports whether payloads could be read. A Worker with this store calls it
// at its start. It asks for an object that need not be there, and lists one key.
//
// NotFound when the bucket is not there, PermissionDenied when this program may not get
// or list objects, else what came in its way, as Get has it.
func (s *Store) CheckRead(ctx context.Context) error {
	op := fmt.Sprintf("claimcheck: check %q", s.base)
	if err := s.reach(ctx); err != nil {
		return driver.Errorf(driver.CodeOf(err), op, "%w", err)
	}
	r, err := s.bucket.NewReader(ctx, s.prefix+checkName, nil)
	if err == nil {
		return r.Close()
	}
	err = quiet(err)
	switch code := codeOf(err); code {
	case driver.NotFound: // as it should be
		return nil
	case driver.PermissionDenied:
		return driver.Errorf(code, op, "this program may not read objects; give it the right to get them: %w", err)
	default:
		return driver.Errorf(code, op, "%w", err)
	}
}

// CheckWrite reports whether payloads could be written, for a producer that would
// rather not start than fail later. It writes a small object under a fresh name, which
// it neither overwrites nor deletes, as a producer needs no right to.
//
// The errors are those of Put.
func (s *Store) CheckWrite(ctx context.Context) error {
	_, err := s.Put(ctx, checkName+"."+rand.Text(), []byte("written by CheckWrite of github.com/longshore-dev/longshore/claimcheck\n"))
	return err
}

// reach reports whether the bucket is there and may be listed.
func (s *Store) reach(ctx context.Context) error {
	if s.dir != "" { // listing one walks through all of it
		_, err := os.ReadDir(s.dir)
		switch {
		case errors.Is(err, os.ErrPermission):
			return driver.Errorf(driver.PermissionDenied, "", "this program may not list the directory; give it the right: %w", err)
		case err != nil:
			return driver.Errorf(driver.NotFound, "", "the directory is not there; make it: %w", err)
		}
		return nil
	}
	_, _, err := s.bucket.ListPage(ctx, blob.FirstPageToken, 1, &blob.ListOptions{Prefix: s.prefix})
	err = quiet(err)
	switch code := codeOf(err); {
	case err == nil:
		return nil
	case code == driver.NotFound:
		return driver.Errorf(code, "", "there is no such bucket; make it, or correct its URL: %w", err)
	case code == driver.PermissionDenied:
		return driver.Errorf(code, "", "this program may not list objects, or there is no such bucket; give it the right to list those under the prefix: %w", err)
	default:
		return driver.Errorf(code, "", "%w", err)
	}
}
