package simulation

import (
	"context"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/runtime"
)

type handler = func(context.Context, *runtime.Task[job]) error

// Bug is a mistake that is planted between a worker and what it works with, to
// see that a World finds it. The zero Bug is none.
type Bug struct {
	Name string

	queue     func(*World, driver.Queue) driver.Queue // what the worker takes for its queue
	handler   func(handler) handler                   // what it takes for its handler
	weather   func(*weather)                          // in which the bug can show
	unordered bool                                    // the queue keeps no order
}
