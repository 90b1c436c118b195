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
	load.Pause(ctx, idleFor)
	var missed []error
	for i, s := range servers {
		after, err := s.counts()
		if err != nil {
			return err
		}
		missed = append(missed, reportIdle(o, s.slots, since(before[i], after)))
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return errors.Join(missed...)
}

// waits of an idle worker are looked at, and the requests of idleFor are one in each.
const (
	waits   = 2
	idleFor = waits*pollWait - time.Second
)

func reportIdle(o requestsOptions, slots int, requests map[string]opCount) error {
	var all int64
	for _, n := range requests {
		all += n.Requests
	}
	receives := requests[opReceive].Requests
	fmt.Fprintf(o.out, "idle with %d slots: %d requests in %v, of them %d receives\n", slots, all, idleFor, receives)
	if receives < 1 || all > waits {
		return fmt.Errorf("an idle worker with %d slots sends %d requests in %v, not one in %v", slots, all, idleFor, pollWait)
	}
	return nil
}
