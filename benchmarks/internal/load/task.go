package load

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// PayloadSize is the size of a task as JSON, in bytes.
const PayloadSize = 64

// Task is what is sent and done.
type Task struct {
	Text string `json:"text"`
}

// Kind is the task's kind at Longshore.
func (Task) Kind() string { return "bench" }

// NewTask makes a task of the size.
func NewTask() Task { return Task{strings.Repeat("x", PayloadSize-len(`{"text":""}`))} }

// NewTasks makes n of them.
func NewTasks(n int) []Task {
	tasks := make([]Task, n)
	for i := range tasks {
		tasks[i] = NewTask()
	}
	return tasks
}

// Do is the work: to look whether the task came through.
func (t *Task) Do() error {
	if len(t.Text) != PayloadSize-len(`{"text":""}`) {
		return fmt.Errorf("a task came as %q", t.Text)
	}
	return nil
}

// event is what a poller needs of an envelope.
type event struct {
	ID   string          `json:"id"`
	Type string          `json:"type"`
	Time time.Time       `json:"time"`
	Data json.RawMessage `json:"data"`
}

// DoRaw decodes an envelope and does what is in it, as one writes it by hand.
func DoRaw(body []byte) error {
	var e event
	if err := json.Unmarshal(body, &e); err != nil {
		return err
	}
	if e.Type != (Task{}).Kind() {
		return fmt.Errorf("a task of kind %q came", e.Type)
	}
	var t Task
	if err := json.Unmarshal(e.Data, &t); err != nil {
		return err
	}
	return t.Do()
}
