package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/drivers/mem"
	"github.com/longshore-dev/longshore/runtime"
)

// payloadSize is the size of a task as JSON.
const payloadSize = 64

// queueName is the queue that everything here works on.
const queueName = "bench"

// task is what is sent and done.
type task struct {
	Text string `json:"text"`
}

// Kind is the task's kind at Longshore.
func (task) Kind() string { return "bench" }

func newTask() task { return task{strings.Repeat("x", payloadSize-len(`{"text":""}`))} }

// do is the work: to look whether the task came through.
func (t *task) do() error {
	if len(t.Text) != payloadSize-len(`{"text":""}`) {
		return fmt.Errorf("a task came as %q", t.Text)
	}
	return nil
}

func newTasks(n int) []task {
	tasks := make([]task, n)
	for i := range tasks {
		tasks[i] = newTask()
	}
	return tasks
}

// encoded is n tasks as Longshore puts them on a queue.
func encoded(ctx context.Context, n int) ([]driver.Message, error) {
	q, err := mem.New(queueName, nil)
	if err != nil {
		return nil, err
	}
	queues := new(runtime.Queues)
	if err := queues.Add(runtime.QueueInfo{Name: queueName, Driver: q}); err != nil {
		return nil, err
	}
	defer queues.Close(ctx)
	client, err := runtime.NewClient(queues, nil)
	if err != nil {
		return nil, err
	}
	for _, r := range runtime.EnqueueMany(ctx, client, newTasks(n)) {
		if r.Err != nil {
			return nil, r.Err
		}
	}
	leases, err := q.Receive(ctx, driver.ReceiveOptions{Max: n, Wait: time.Second})
	if err == nil && len(leases) != n {
		err = fmt.Errorf("of %d tasks %d came", n, len(leases))
	}
	messages := make([]driver.Message, len(leases))
	for i, l := range leases {
		messages[i] = l.Message()
	}
	return messages, err
}
