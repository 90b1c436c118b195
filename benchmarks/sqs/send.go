package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/longshore-dev/longshore/benchmarks/internal/load"
	"github.com/longshore-dev/longshore/runtime"
)

const (
	// sendCalls of EnqueueMany with sendTasks each are counted.
	sendCalls, sendTasks = 100, 100
	// mostSends are the requests that a task of EnqueueMany may take.
	mostSends = 0.1
)

// countSends counts the requests that EnqueueMany takes for a task. The error says when
// they are too many.
func countSends(ctx context.Context, out io.Writer) (err error) {
	server, err := startServer(ctx, "fake")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.close()) }()
	q, err := openFake(ctx, server, defaultHold)
	if err != nil {
		return err
	}
	queues := new(runtime.Queues)
	if err := queues.Add(runtime.QueueInfo{Name: load.QueueName, Driver: q}); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, queues.Close(context.WithoutCancel(ctx))) }()
	client, err := runtime.NewClient(queues, nil)
	if err != nil {
		return err
	}
	send := func() error {
		for _, r := range runtime.EnqueueMany(ctx, client, load.NewTasks(sendTasks)) {
			if r.Err != nil {
				return r.Err
			}
		}
		return nil
	}
	if err := send(); err != nil { // with what is asked of a queue once
		return err
	}
	before, err := server.counts()
	if err != nil {
		return err
	}
	for range sendCalls {
		if err := send(); err != nil {
			return err
		}
	}
	after, err := server.counts()
	if err != nil {
		return err
	}
	all := int64(0)
	for _, n := range since(before, after) {
		all += n.Requests
	}
	return checkSends(out, all, sendCalls*sendTasks)
}

func checkSends(out io.Writer, requests, tasks int64) error {
	share := float64(requests) / float64(tasks)
	fmt.Fprintf(out, "EnqueueMany(%d): %d tasks in %d requests, %.4f a task (limit: at most %.2f)\n", sendTasks, tasks, requests, share, mostSends)
	if share > mostSends {
		return fmt.Errorf("EnqueueMany takes %.4f requests a task, more than %.2f", share, mostSends)
	}
	return nil
}
