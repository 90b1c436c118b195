package main

import (
	"encoding/json"
	"fmt"
	"strings"
)

// payloadSize is the size of a task as JSON.
const payloadSize = 64

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

// doJSON decodes a task and does it.
func doJSON(data []byte) error {
	var t task
	if err := json.Unmarshal(data, &t); err != nil {
		return err
	}
	return t.do()
}
