package lazy_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/drivers/internal/lazy"
)

func TestGetMakesOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v, made := lazy.New[int](), 0
		get := func(ctx context.Context, err error) (*int, error) {
			return v.Get(ctx, "op", func() (*int, error) {
				time.Sleep(time.Second)
				made++
				return &made, err
			})
		}
		failed := errors.New("no credentials")
		if _, err := get(t.Context(), failed); !errors.Is(err, failed) {
			t.Errorf("got %v, want what making it says", err)
		}
		if v.Take() != nil {
			t.Error("what could not be made is there")
		}
		var all sync.WaitGroup
		for range 5 {
			all.Go(func() {
				if got, err := get(t.Context(), nil); err != nil || *got != 2 {
					t.Errorf("got %v, %v", got, err)
				}
			})
		}
		synctest.Wait()
		hasty, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		if _, err := get(hasty, nil); !driver.Is(err, driver.DeadlineExceeded) {
			t.Errorf("one that does not wait got %v", err)
		}
		all.Wait()
		if v.Take() == nil || v.Take() != nil {
			t.Error("it is taken once, when it was made here")
		}
	})
}

func TestWhatIsGivenIsTheCallers(t *testing.T) {
	v, given := lazy.New[int](), 7
	v.Give(&given)
	got, err := v.Get(t.Context(), "op", func() (*int, error) { return nil, errors.New("made") })
	if err != nil || got != &given || v.Take() != nil {
		t.Errorf("got %v, %v", got, err)
	}
}
