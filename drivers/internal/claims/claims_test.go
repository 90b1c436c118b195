package claims_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/drivers/internal/claims"
)

type lease struct {
	driver.Lease // nil: claims ask nothing of it
	state        claims.State
	foreign      bool // of another queue
}

func (l *lease) State() *claims.State { return &l.state }

// lasting makes a lease that ends after end, for the broker after over.
func lasting(end, over time.Duration) *lease {
	l := new(lease)
	l.state.Last(time.Now().Add(end), time.Now().Add(over))
	return l
}

func (l *lease) As(target any) bool {
	p, ok := target.(**lease)
	if ok {
		*p = l
	}
	return ok
}

func workOn(leases ...*lease) *claims.Work[*lease] {
	return claims.New("test", len(leases), func(i int) driver.Lease {
		if leases[i] == nil {
			return nil
		}
		return leases[i]
	}, func(l *lease) bool { return !l.foreign })
}

// do does the work, which takes d each time that leases are claimed, and says which
// items were claimed together.
func do(ctx context.Context, w *claims.Work[*lease], d time.Duration, ended bool) [][]int {
	var calls [][]int
	w.Do(ctx, func(claimed []claims.Claim[*lease]) {
		var items []int
		for _, c := range claimed {
			items = append(items, c.Index)
		}
		calls = append(calls, items)
		time.Sleep(d)
		for _, c := range claimed {
			c.Lease.State().Free(ended)
		}
	})
	return calls
}

func codes(errs []error) []driver.Code {
	codes := make([]driver.Code, len(errs))
	for i, err := range errs {
		if err != nil {
			codes[i] = driver.CodeOf(err)
		}
	}
	return codes
}

func TestWorkRefusesWhatHasEnded(t *testing.T) {
	tests := []struct {
		name string
		late claims.Lateness
		want []driver.Code
	}{
		{"never late", claims.Never, []driver.Code{0, driver.LeaseLost, driver.LeaseLost, driver.LeaseLost}},
		{"until it is over", claims.UntilOver, []driver.Code{0, 0, driver.LeaseLost, driver.LeaseLost}},
		{"always", claims.Always, []driver.Code{0, 0, 0, driver.LeaseLost}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				settled := lasting(time.Hour, time.Hour)
				do(t.Context(), workOn(settled), 0, true)
				w := workOn(lasting(time.Minute, time.Hour), lasting(time.Second, time.Minute), lasting(time.Second, 2*time.Second), settled)
				w.Late = func(int) claims.Lateness { return test.late }
				time.Sleep(2 * time.Second)
				do(t.Context(), w, 0, false)
				if got := codes(w.Errs); !slices.Equal(got, test.want) {
					t.Errorf("the errors are %v, want %v", got, test.want)
				}
			})
		})
	}
}

func TestWorkRefusesForeignAndRefusedItems(t *testing.T) {
	foreign := lasting(time.Hour, time.Hour)
	foreign.foreign = true
	w := workOn(lasting(time.Hour, time.Hour), nil, lasting(time.Hour, time.Hour), foreign)
	w.Check = func(i int) error {
		if i == 2 {
			return driver.Errorf(driver.TooLarge, "test", "too large")
		}
		return nil
	}
	if got := do(t.Context(), w, 0, false); len(got) != 1 || !slices.Equal(got[0], []int{0}) {
		t.Errorf("claimed %v, want item 0 alone", got)
	}
	if got, want := codes(w.Errs), []driver.Code{0, driver.InvalidArgument, driver.TooLarge, driver.InvalidArgument}; !slices.Equal(got, want) {
		t.Errorf("the errors are %v, want %v", got, want)
	}
}

func TestOneOperationAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		busy, idle := lasting(time.Hour, time.Hour), lasting(time.Hour, time.Hour)
		var others sync.WaitGroup
		others.Go(func() { do(t.Context(), workOn(busy), time.Minute, false) })
		synctest.Wait()

		hasty, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		w := workOn(busy)
		do(hasty, w, 0, false)
		if !driver.Is(w.Errs[0], driver.DeadlineExceeded) {
			t.Errorf("work that does not wait for the other: %v, want DeadlineExceeded", w.Errs[0])
		}

		start := time.Now()
		w = workOn(busy, idle)
		calls := do(t.Context(), w, time.Second, true)
		if len(calls) != 2 || !slices.Equal(calls[0], []int{1}) || !slices.Equal(calls[1], []int{0}) {
			t.Errorf("claimed %v, want item 1 and then item 0", calls)
		}
		if took := time.Since(start); took != time.Minute {
			t.Errorf("it took %v, want what was left of a minute and the second of the last claim", took)
		}
		others.Wait()
	})
}

func TestTwoBatchesDoNotWaitForEachOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := lasting(time.Hour, time.Hour), lasting(time.Hour, time.Hour)
		var batches sync.WaitGroup
		for _, leases := range [][]*lease{{a, b}, {b, a}} {
			for range 10 {
				batches.Go(func() {
					w := workOn(leases...)
					do(t.Context(), w, time.Second, false)
					if w.Errs[0] != nil || w.Errs[1] != nil {
						t.Errorf("errors %v", w.Errs)
					}
				})
			}
		}
		batches.Wait()
	})
}

func TestSettledWhileWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := lasting(time.Hour, time.Hour)
		var settle sync.WaitGroup
		settle.Go(func() { do(t.Context(), workOn(l), time.Minute, true) })
		synctest.Wait()
		w := workOn(l)
		if calls := do(t.Context(), w, 0, false); calls != nil {
			t.Errorf("claimed %v after the settle", calls)
		}
		if !driver.Is(w.Errs[0], driver.LeaseLost) || !l.state.Ended() {
			t.Errorf("the error is %v, want LeaseLost", w.Errs[0])
		}
		settle.Wait()
	})
}

func TestMayEndOnlyShortensAndIsOverLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		now := time.Now()
		l := lasting(20*time.Second, 20*time.Second)
		l.state.MayEnd(now.Add(30*time.Second), now.Add(40*time.Second))
		l.state.MayEnd(now.Add(10*time.Second), now.Add(10*time.Second))
		l.state.MayEnd(now.Add(30*time.Second), now.Add(30*time.Second))
		for _, at := range []struct {
			after          time.Duration
			past, stillHas bool
		}{{9 * time.Second, false, true}, {10 * time.Second, true, true}, {39 * time.Second, true, true}, {40 * time.Second, true, false}} {
			time.Sleep(time.Until(now.Add(at.after)))
			if got := l.state.Past(time.Now()); got != at.past {
				t.Errorf("after %v: past is %v", at.after, got)
			}
			w := workOn(l)
			w.Late = func(int) claims.Lateness { return claims.UntilOver }
			do(t.Context(), w, 0, false)
			if got := w.Errs[0] == nil; got != at.stillHas {
				t.Errorf("after %v: the broker still has it is %v", at.after, got)
			}
		}
	})
}
