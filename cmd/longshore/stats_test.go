package main

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/drivers/mem"
	"github.com/longshore-dev/longshore/runtime"
)

func TestStatsShowsWhatAQueueHas(t *testing.T) {
	t.Parallel()
	q := newMemQueue(t, "?hold=45s&max_receives=20")
	q.buryThree(t)
	q.send(t, "k", "one", "two")
	e := here(t, "", "stats", "--queue", q.url)

	if e.code != 0 || e.err != "" {
		t.Errorf("exit code %d, and it says\n%s", e.code, e.err)
	}
	for _, want := range []string{"  ready    2\n", "  leased   0\n", "  delayed  0\n", "  dead     3\n", "  oldest   ", "  policy   hold 45s, dead after 20 deliveries, dead letter "} {
		if !strings.Contains(e.out, want) {
			t.Errorf("it does not show %q but\n%s", want, e.out)
		}
	}
}

func TestStatsPrintsExactlyTheseFields(t *testing.T) {
	t.Parallel()
	q := newMemQueue(t, "?hold=45s&max_receives=20")
	e := here(t, "", "stats", "--queue", q.url, "--json")
	var got queueStats
	if err := json.Unmarshal([]byte(e.out), &got); err != nil || got.Policy == nil {
		t.Fatalf("%v\n%s\n%s", err, e.out, e.err)
	}
	name := strings.TrimPrefix(q.url, "mem://")
	name, _, _ = strings.Cut(name, "?")
	policy := `{"hold_ms":45000,"max_attempts":20,"dead_letter":"` + got.Policy.DeadLetter + `","retention_ms":-1,"dead_letter_retention_ms":-1}`
	want := `{"queue":"` + name + `","at":"` + got.At.Format(time.RFC3339Nano) + `","ready":0,"leased":0,"delayed":0,"dead":0,"oldest_ms":0,"policy":` + policy + "}\n"
	if e.code != 0 || e.out != want {
		t.Errorf("exit code %d, output\n%swant\n%s", e.code, e.out, want)
	}
}

// silent is a queue whose broker tells nothing, or fails.
type silent struct {
	driver.Queue
	fails []error // of the calls of Stats, one after the other; then nil
}

func (q *silent) Stats(context.Context) (driver.Stats, error) {
	var err error
	if len(q.fails) > 0 {
		err, q.fails = q.fails[0], q.fails[1:]
	}
	return driver.Stats{
		Ready: driver.Unreported, Leased: driver.Unreported, Delayed: driver.Unreported, Dead: driver.Unreported, Oldest: driver.Unreported,
	}, err
}

func (*silent) Policy(context.Context) (driver.Policy, error) {
	return driver.Policy{}, driver.Errorf(driver.PermissionDenied, "policy", "not for you")
}

// openSilent opens a queue that tells nothing. It is closed by the command.
func openSilent(t *testing.T, fails ...error) opener {
	t.Helper()
	return func(_ context.Context, s *runtime.QueueSettings) (runtime.QueueInfo, error) {
		q, err := mem.New("quiet", nil)
		return runtime.QueueInfo{Name: s.Name, Driver: &silent{q, fails}}, err
	}
}

func TestStatsSaysWhatIsUnknown(t *testing.T) {
	out, errs := newWatchedBuffer(), newWatchedBuffer()
	code, err := showStats(t.Context(), &statsOptions{queueFlags: queueFlags{names: []string{"mem://quiet"}}}, openSilent(t), streams{out: out, err: errs})
	if code != exitOK || err != nil || strings.Count(out.String(), "unknown\n") != 6 || !strings.Contains(errs.String(), "could not be read: policy: not for you") {
		t.Errorf("exit code %d, %v, output\n%s\n%s", code, err, out, errs)
	}
	out = newWatchedBuffer()
	_, _ = showStats(t.Context(), &statsOptions{queueFlags: queueFlags{names: []string{"mem://quiet"}}, json: true}, openSilent(t), streams{out: out, err: errs})
	if want := `"ready":-1,"leased":-1,"delayed":-1,"dead":-1,"oldest_ms":-1,"policy":null}`; !strings.Contains(out.String(), want) {
		t.Errorf("output %s, want %s", out, want)
	}
}

// uncounted is a queue of a broker that does not count.
type uncounted struct{ driver.Queue }

func (uncounted) Stats(context.Context) (driver.Stats, error) {
	return driver.Stats{}, driver.Errorf(driver.Unsupported, "stats", "it does not count")
}

// Its configuration is shown, and a watch of several queues goes on.
func TestStatsOfABrokerThatDoesNotCount(t *testing.T) {
	out, errs := newWatchedBuffer(), newWatchedBuffer()
	open := func(_ context.Context, s *runtime.QueueSettings) (runtime.QueueInfo, error) {
		q, err := mem.New("uncounted", nil)
		return runtime.QueueInfo{Name: s.Name, Driver: uncounted{q}}, err
	}
	code, err := showStats(t.Context(), &statsOptions{queueFlags: queueFlags{names: []string{"mem://uncounted"}}, json: true}, open, streams{out: out, err: errs})
	if want := `"ready":-1,"leased":-1,"delayed":-1,"dead":-1,"oldest_ms":-1,"policy":{"hold_ms":`; code != exitOK || err != nil || !strings.Contains(out.String(), want) {
		t.Errorf("exit code %d, %v, output\n%s\n%s", code, err, out, errs)
	}
}

func TestStatsOfAQueueThatCannotBeRead(t *testing.T) {
	open := openSilent(t, driver.Errorf(driver.NotFound, "stats", "there is none"))
	code, err := showStats(t.Context(), &statsOptions{queueFlags: queueFlags{names: []string{"mem://quiet"}}}, open, streams{out: newWatchedBuffer(), err: newWatchedBuffer()})
	if code != exitUsage || !driver.Is(err, driver.NotFound) {
		t.Errorf("exit code %d, %v", code, err)
	}
}

// Of several queues those that can be read are shown.
func TestStatsOfTheQueuesOfAFile(t *testing.T) {
	t.Parallel()
	path, orders, _ := fileOf(t, "", "")
	orders.send(t, "k", "x", "y")
	if e := here(t, "", "stats", "--config", path); e.code != 0 || !strings.HasPrefix(e.out, "queue orders\n  ready    2\n") || !strings.Contains(e.out, "\n\nqueue mails\n  ready    0\n") {
		t.Errorf("exit code %d, output\n%s\n%s", e.code, e.out, e.err)
	}
	e := here(t, "", "stats", "--config", path, "--json")
	if lines := strings.Split(e.out, "\n"); e.code != 0 || len(lines) != 3 || !strings.HasPrefix(lines[0], `{"queue":"orders","at":`) || !strings.HasPrefix(lines[1], `{"queue":"mails",`) {
		t.Errorf("exit code %d, output\n%s\n%s", e.code, e.out, e.err)
	}

	out, errs := newWatchedBuffer(), newWatchedBuffer()
	code, err := showStats(t.Context(), &statsOptions{queueFlags: queueFlags{config: path}, json: true}, func(ctx context.Context, s *runtime.QueueSettings) (runtime.QueueInfo, error) {
		info, err := s.Open(ctx)
		if s.Name == "orders" {
			info.Driver = &silent{info.Driver, []error{driver.Errorf(driver.NotFound, "stats", "there is none")}}
		}
		return info, err
	}, streams{out: out, err: errs})
	if code != 1 || err != nil || !strings.HasPrefix(out.String(), `{"queue":"mails",`) || errs.String() != "queue orders: stats: there is none\n" {
		t.Errorf("exit code %d (%v), output\n%s\n%s", code, err, out, errs)
	}
}

func TestStatsWatchesSeveralQueues(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, interrupt := context.WithCancel(t.Context())
		out, errs := newWatchedBuffer(), newWatchedBuffer()
		open := openSilent(t, nil, driver.Errorf(driver.Unavailable, "stats", "not now"))
		ended := make(chan int, 1) // one result, never closed
		go func() {
			code, err := showStats(ctx, &statsOptions{queueFlags: queueFlags{names: []string{"mem://long", "mem://x"}}, watch: 10 * time.Second}, open, streams{out: out, err: errs})
			if err != nil {
				t.Error(err)
			}
			ended <- code
		}()
		time.Sleep(25 * time.Second)
		interrupt()
		// At 0 and 20 s; at 10 s neither answered.
		code := <-ended
		if code != exitOK || strings.Count(out.String(), "long  ") != 2 || strings.Count(out.String(), "x     ") != 2 || strings.Count(errs.String(), "queue x: stats: not now\n") != 1 {
			t.Errorf("exit code %d, output\n%s\n%s", code, out, errs)
		}
	})
}

func TestStatsWatchesUntilASignal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, interrupt := context.WithCancel(t.Context())
		open := openSilent(t, nil, driver.Errorf(driver.Unavailable, "stats", "not now"))
		out, errs := newWatchedBuffer(), newWatchedBuffer()
		ended := make(chan int, 1) // one result, never closed
		go func() {
			code, err := showStats(ctx, &statsOptions{queueFlags: queueFlags{names: []string{"mem://quiet"}}, watch: 10 * time.Second}, open, streams{out: out, err: errs})
			if err != nil {
				t.Error(err)
			}
			ended <- code
		}()
		time.Sleep(35 * time.Second)
		interrupt()
		code := <-ended

		// At 0, 20 and 30 s; at 10 s the queue did not answer.
		if n := strings.Count(out.String(), "unknown ready, unknown leased, unknown delayed, unknown dead, oldest unknown\n"); code != exitOK || n != 3 {
			t.Errorf("exit code %d and %d lines, want 0 and 3:\n%s", code, n, out)
		}
		if !strings.Contains(errs.String(), "stats: not now\n") {
			t.Errorf("it does not say what failed but\n%s", errs)
		}
	})
}

func TestStatsEndsWhenTheQueueIsGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		open := openSilent(t, nil, driver.Errorf(driver.NotFound, "stats", "deleted"))
		errs := newWatchedBuffer()
		code, err := showStats(t.Context(), &statsOptions{queueFlags: queueFlags{names: []string{"mem://quiet"}}, watch: time.Second, json: true}, open, streams{out: newWatchedBuffer(), err: errs})
		if code != exitFailed || err != nil || !strings.Contains(errs.String(), "stats: deleted\n") {
			t.Errorf("exit code %d, %v\n%s", code, err, errs)
		}
	})
}

func TestStatsRefuses(t *testing.T) {
	t.Parallel()
	for want, args := range map[string][]string{
		"--queue is missing":                     {"stats"},
		`stats takes no argument, but got "x"`:   {"stats", "x"},
		"--watch=1ms is below 100ms":             {"stats", "--queue=mem://x", "--watch=1ms"},
		"--watch=-1s is below 100ms":             {"stats", "--queue=mem://x", "--watch=-1s"},
		"an interval follows --watch with =":     {"stats", "--queue=mem://x", "--watch", "5s"},
		"unknown scheme":                         {"stats", "--queue=nosuch://x"},
		"invalid argument \"x\" for \"--watch\"": {"stats", "--queue=mem://x", "--watch=x"},
	} {
		e := here(t, "", args...)
		if e.code != 2 || e.out != "" || !strings.HasPrefix(e.err, "longshore: ") || !strings.Contains(e.err, want) || strings.Count(e.err, "\n") != 2 {
			t.Errorf("%q: exit code %d, output %q, and it says\n%swant 2 and %q", args, e.code, e.out, e.err, want)
		}
	}
}
