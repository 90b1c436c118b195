package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/longshore-dev/longshore/benchmarks/internal/load"
)

// idle counts the requests of two workers that have nothing to do: the one that
// was busy before on server, and one with many slots on its own.
func idle(ctx context.Context, o requestsOptions, server *serverProcess, cancel context.CancelCauseFunc) (err error) {
	other, w, _, err := startOnFake(ctx, manySlots, cancel)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.End(), other.close()) }()
	load.Pause(ctx, pollWait+2*time.Second) // what was asked while there was work ends
	servers := []struct {
		*serverProcess
		slots int
	}{{server, slots}, {other, manySlots}}
	var before [2]map[string]opCount
	for i, s := range servers {
		if before[i], err = s.counts(); err != nil {
			return err
		}
	}
	const waits = 2
	load.Pause(ctx, waits*pollWait-time.Second)
	var missed []error
	for i, s := range servers {
		after, err := s.counts()
		if err != nil {
			return err
		}
		var all int64
		for _, n := range since(before[i], after) {
			all += n.Requests
		}
		receives := since(before[i], after)[opReceive].Requests
		fmt.Fprintf(o.out, "idle with %d slots: %d requests in %v, of them %d receives\n", s.slots, all, waits*pollWait-time.Second, receives)
		if receives < 1 || all > waits {
			missed = append(missed, fmt.Errorf("an idle worker with %d slots sends %d requests in %v, not one in %v", s.slots, all, waits*pollWait-time.Second, pollWait))
		}
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return errors.Join(missed...)
}
