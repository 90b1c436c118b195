package runtime_test

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/longshore-dev/longshore/drivers/mem"
	"github.com/longshore-dev/longshore/runtime"
)

func TestOnStartIsCalledOnceWhenTheQueuesAreFit(t *testing.T) {
	for name, c := range map[string]struct {
		mem  mem.Options
		want int
	}{"fit": {want: 1}, "unfit": {mem.Options{NoDeadLetter: true}, 0}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, &c.mem, runtime.RetryPolicy{}, nil)
				b.handle(func(context.Context, *runtime.Task[job]) error { return nil })
				started := 0
				stop := b.start(runtime.WorkerOptions{OnStart: func() { started++ }})
				synctest.Wait()
				if err := stop(); (err == nil) != (c.want == 1) || started != c.want {
					t.Errorf("OnStart was called %d times, want %d; run: %v", started, c.want, err)
				}
			})
		})
	}
}
