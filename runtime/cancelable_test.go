package runtime

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"
)

func TestACancelableIsLikeOneOfTheStandardLibrary(t *testing.T) {
	type key struct{}
	errCause, errParent := errors.New("cause"), errors.New("parent")
	ends := []struct {
		name string
		end  func(ctx context.Context, because func(error), end func(), parent context.CancelCauseFunc)
	}{
		{"not at all", func(context.Context, func(error), func(), context.CancelCauseFunc) {}},
		{"with a cause", func(_ context.Context, because func(error), _ func(), _ context.CancelCauseFunc) { because(errCause) }},
		{"at the end", func(_ context.Context, _ func(error), end func(), _ context.CancelCauseFunc) { end() }},
		{"with its parent", func(_ context.Context, _ func(error), _ func(), parent context.CancelCauseFunc) { parent(errParent) }},
		{"with a cause, then at the end", func(_ context.Context, because func(error), end func(), _ context.CancelCauseFunc) {
			because(errCause)
			end()
		}},
		{"at the end, waited for before", func(ctx context.Context, _ func(error), end func(), _ context.CancelCauseFunc) {
			ctx.Done()
			end()
		}},
		{"at the end, then with its parent", func(_ context.Context, _ func(error), end func(), parent context.CancelCauseFunc) {
			end()
			parent(errParent)
		}},
	}
	for _, tt := range ends {
		t.Run(tt.name, func(t *testing.T) {
			parent := func() (context.Context, context.CancelCauseFunc) {
				return context.WithCancelCause(context.WithValue(t.Context(), key{}, "value"))
			}
			p, cancelParent := parent()
			ours := newCancelable(p)
			tt.end(ours, ours.because, ours.end, cancelParent)
			p, cancelParent = parent()
			theirs, cancel := context.WithCancelCause(p)
			tt.end(theirs, func(err error) { cancel(err) }, func() { cancel(nil) }, cancelParent)
			if got, want := ours.Err(), theirs.Err(); !errors.Is(got, want) {
				t.Errorf("the error is %v, want %v", got, want)
			}
			if got, want := context.Cause(ours), context.Cause(theirs); !errors.Is(got, want) {
				t.Errorf("the cause is %v, want %v", got, want)
			}
			child, stop := context.WithTimeout(ours, time.Hour)
			defer stop()
			if got, want := child.Err(), theirs.Err(); !errors.Is(got, want) {
				t.Errorf("a child's error is %v, want %v", got, want)
			}
			select {
			case <-ours.Done():
				if theirs.Err() == nil {
					t.Error("it is done, and should not be")
				}
			default:
				if theirs.Err() != nil {
					t.Error("it is not done, and should be")
				}
			}
			if ours.Value(key{}) != "value" {
				t.Error("the parent's value is lost")
			}
		})
	}
}

func TestAChildOfACancelableEndsWithItsCause(t *testing.T) {
	c := newCancelable(t.Context())
	child, stop := context.WithCancel(context.WithValue(c, &c, 1))
	defer stop()
	cause := errors.New("cause")
	c.because(cause)
	<-child.Done()
	if !errors.Is(context.Cause(child), cause) {
		t.Errorf("the cause is %v", context.Cause(child))
	}
}

// Handlers print their context, by a mock for one, while the worker ends it. The race
// detector looks.
func TestACancelableIsPrintedByItsNameAsThoseOfTheStandardLibrary(t *testing.T) {
	parent := context.WithoutCancel(t.Context())
	c := newCancelable(parent)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		c.because(errors.New("cause"))
	}()
	theirs, stop := context.WithCancel(parent)
	defer stop()
	if got, want := fmt.Sprint(c), fmt.Sprint(theirs); got != want {
		t.Errorf("it is printed as %s, want %s", got, want)
	}
	<-ended
}

func TestACancelableThatNobodyWaitsForIsOneAllocation(t *testing.T) {
	parent := t.Context()
	n := testing.AllocsPerRun(100, func() {
		c := newCancelable(parent)
		if c.Err() != nil || context.Cause(c) != nil {
			t.Fatal("it has ended")
		}
		c.end()
	})
	if n > 1 {
		t.Errorf("it takes %v allocations", n)
	}
}
