// Package server runs an in-process server of a broker in a process of its own, so
// that a figure does not count what the server takes. It is told by lines of JSON
// what to do.
package server

import (
	"context"
	"encoding/json"
	"errors"
	"io"
)

// Command is what a server is told.
type Command struct {
	Make string // a queue to make
	Fill int    // with so many tasks
	Drop string // a queue to delete
	Look string // a queue to count
}

// State is what a server has and has done: its answer.
type State struct {
	Address  string         // where it listens; in the first answer only
	Requests map[string]int // answered, by operation
	InFlight map[string]int // waiting, by operation
	Left     int            // messages of the queue that is looked at
	Error    string         // why the command failed
}

// Broker is what a server's process does.
type Broker interface {
	// Make makes a queue with its dead letter, and sends tasks.
	Make(ctx context.Context, queue string, tasks int) error
	// Drop deletes a queue with all that it has.
	Drop(ctx context.Context, queue string) error
	// Look says what has been done, and what is left on a queue.
	Look(queue string) State
}

// Serve obeys the commands on in, and ends with it. The first answer is the address.
func Serve(ctx context.Context, b Broker, address string, in io.Reader, out io.Writer) error {
	commands, answers := json.NewDecoder(in), json.NewEncoder(out)
	err := answers.Encode(State{Address: address})
	for err == nil {
		var c Command
		if err = commands.Decode(&c); err != nil {
			break
		}
		err = answers.Encode(obey(ctx, b, c))
	}
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

func obey(ctx context.Context, b Broker, c Command) State {
	var err error
	switch {
	case c.Make != "":
		err = b.Make(ctx, c.Make, c.Fill)
	case c.Drop != "":
		err = b.Drop(ctx, c.Drop)
	}
	s := b.Look(c.Look)
	if err != nil {
		s.Error = err.Error()
	}
	return s
}
