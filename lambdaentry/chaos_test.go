//go:build unix

package lambdaentry_test

import (
	"context"
	"flag"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/internal/eventsource"
	"github.com/longshore-dev/longshore/internal/lambdaruntime"
	"github.com/longshore-dev/longshore/runtime"
)

var (
	chaos     = flag.Bool("chaos", false, "kill functions at work")
	chaosSeed = flag.Uint64("chaos-seed", 0, "the seed of what is done when; 0 takes the time")
)

// Functions and the poller are killed at any moment, 25 times in all: every task is
// done, those that are hopeless are dead, and nothing is left.
func TestChaos(t *testing.T) {
	if !*chaos {
		t.Skip("it runs with -chaos")
	}
	const tasks, kills, environments = 3000, 25, 3
	seed := *chaosSeed
	if seed == 0 {
		seed = uint64(time.Now().Unix())
	}
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	d := deploy(t, 20*time.Second, false)
	envs := []*lambdaruntime.Environment{d.env}
	for len(envs) < environments {
		envs = append(envs, d.environment())
	}
	batch := make([]work, tasks)
	for i := range batch {
		batch[i].Pause = time.Duration(random.IntN(60)) * time.Millisecond
		if random.IntN(50) == 0 {
			batch[i].Do = "bury"
		}
	}
	ids := d.enqueue(batch...)
	var mu sync.Mutex
	cuts := make([]context.CancelFunc, environments) // of the pollers; guarded by mu
	ctx, stop := context.WithCancel(t.Context())
	var pollers sync.WaitGroup
	defer pollers.Wait()
	defer stop()
	for i, env := range envs {
		pollers.Go(func() { // a poller that is killed is started anew
			for ctx.Err() == nil {
				alive, cut := context.WithCancel(ctx)
				mu.Lock()
				cuts[i] = cut
				mu.Unlock()
				m := eventsource.Mapping{
					Queue: d.queue, Name: "orders", Messages: 10, Timeout: 20 * time.Second,
					Function: func(call context.Context, event []byte) ([]byte, error) {
						answer, err := env.Invoke(call, event)
						if alive.Err() != nil { // killed: it does nothing with the answer
							return nil, alive.Err()
						}
						return answer, err
					},
				}
				if err := m.Run(alive); err != nil {
					t.Error(err)
				}
				cut()
			}
		})
	}
	ended, dead := 0, int64(0)
	progress := func() bool {
		ended = len(d.lines("ended"))
		return false
	}
	left := kills
	next := time.Now()
	d.awaitFor(4*time.Minute, "all is done and settled", func() bool {
		if left > 0 && time.Now().After(next) {
			left--
			next = time.Now().Add(time.Duration(20+random.IntN(600)) * time.Millisecond)
			i := random.IntN(environments)
			if random.IntN(4) == 0 {
				mu.Lock()
				cuts[i]()
				mu.Unlock()
			} else {
				envs[i].Kill()
			}
		}
		progress()
		var live int64
		live, dead = d.left()
		return left == 0 && live == 0
	})
	done, hopeless := d.lines("ended"), 0
	again := 0
	for i, id := range ids {
		if batch[i].Do == "bury" {
			hopeless++
			continue
		}
		if done[id] == 0 {
			t.Errorf("task %s is lost", id)
		}
		again += max(0, done[id]-1)
	}
	processes := 0
	for _, env := range envs {
		processes += env.Started()
	}
	buried := d.buried()
	for i, id := range ids {
		if batch[i].Do == "bury" && !slices.Contains(buried, id) {
			t.Errorf("the hopeless task %s is not dead", id)
		}
		if batch[i].Do != "bury" && slices.Contains(buried, id) {
			t.Errorf("task %s is dead", id)
		}
	}
	t.Logf("%d tasks, %d kills, %d processes: %d ended, %d of them again, %d dead letters of %d hopeless tasks, none lost",
		tasks, kills, processes, ended, again, dead, hopeless)
}

// buried are the tasks in the dead letter.
func (d *deployed) buried() []runtime.TaskID {
	d.Helper()
	var all []runtime.TaskID
	for {
		ls, err := d.queue.DeadLetter().Receive(d.Context(), driver.ReceiveOptions{Max: 10, Wait: time.Second, Hold: time.Hour})
		if err != nil {
			d.Fatal(err)
		}
		if len(ls) == 0 {
			return all
		}
		for _, l := range ls {
			all = append(all, taskOf(l.Message().Body))
		}
	}
}
