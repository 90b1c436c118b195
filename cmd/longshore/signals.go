package main

import (
	"context"
	"os"
	"os/signal"
	"sync"
	"syscall"
)

// watchSignals gives a context that the first SIGINT, SIGTERM or SIGHUP ends and
// a channel that the second closes. stop ends the watch. Meanwhile a write to a
// closed pipe is an error and does not end the program.
func watchSignals(parent context.Context) (ctx context.Context, again <-chan struct{}, stop func()) {
	ctx, cancel := context.WithCancel(parent)
	signals := make(chan os.Signal, 2) // never closed
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	if !signal.Ignored(syscall.SIGHUP) { // as nohup does
		signal.Notify(signals, syscall.SIGHUP)
	}
	pipe := make(chan os.Signal, 1) // never closed, never read
	signal.Notify(pipe, syscall.SIGPIPE)
	second := make(chan struct{}) // closed by the goroutine below, or never
	ended := make(chan struct{})  // closed by stop
	var watching sync.WaitGroup
	watching.Go(func() {
		for _, act := range []func(){cancel, func() { close(second) }} {
			select {
			case <-signals:
				act()
			case <-ended:
				return
			}
		}
	})
	return ctx, second, func() {
		signal.Stop(signals)
		signal.Stop(pipe)
		close(ended)
		watching.Wait()
		cancel()
	}
}
