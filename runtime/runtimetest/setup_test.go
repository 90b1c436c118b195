package runtimetest_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/longshore-dev/longshore/runtime"
)

type mail struct {
	To string `json:"to"`
}

func (mail) Kind() string { return "mail.send" }

type order struct {
	Number int `json:"number"`
}

func (order) Kind() string { return "order.pay" }

var errBoom = errors.New("boom")

func enqueue[T runtime.Args](t *testing.T, c *runtime.Client, args T, opts ...runtime.EnqueueOption) runtime.TaskID {
	t.Helper()
	id, err := runtime.Enqueue(t.Context(), c, args, opts...)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// failing is a test that notes why it failed.
type failing struct {
	testing.TB
	text string
}

func (f *failing) Helper()           {}
func (f *failing) Fatal(args ...any) { f.stop(fmt.Sprint(args...)) }
func (f *failing) Fatalf(format string, args ...any) {
	f.stop(fmt.Sprintf(format, args...))
}
func (f *failing) Errorf(format string, args ...any) { f.text = fmt.Sprintf(format, args...) }

func (f *failing) stop(text string) {
	f.text = text
	panic(f)
}

// failure is why do fails its test; "" when it does not.
func failure(t *testing.T, do func(tb testing.TB)) string {
	t.Helper()
	f := &failing{TB: t}
	func() {
		defer func() {
			if v := recover(); v != nil && v != any(f) {
				panic(v)
			}
		}()
		do(f)
	}()
	return f.text
}
