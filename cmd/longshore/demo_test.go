package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/drivers/mem"
	"github.com/longshore-dev/longshore/internal/faultqueue"
)

// toldDemo is how the story went.
type toldDemo struct {
	demoAccounting
	code int
	text string
}

// tellInBubble tells the story on a queue with faults; call it in a bubble.
func tellInBubble(ctx context.Context, t *testing.T, faults ...faultqueue.Rule) toldDemo {
	t.Helper()
	q, err := mem.New("demo", &mem.Options{Hold: demoHold})
	if err != nil {
		t.Fatal(err)
	}
	defer q.Close(context.WithoutCancel(ctx))
	var out, story bytes.Buffer
	told := toldDemo{code: tellDemo(ctx, faultqueue.New(q, faults...), true, streams{out: &out, err: &story})}
	told.text = story.String()
	decoder := json.NewDecoder(&out)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&told.demoAccounting); err != nil || decoder.More() {
		t.Fatalf("not one JSON object: %v\n%s", err, told.text)
	}
	return told
}

func TestDemoAddsUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		told := tellInBubble(t.Context(), t)

		want := demoAccounting{
			accounting: accounting{Sent: 24, Succeeded: 24, Attempts: 24 + 15 + 4 + 3, ElapsedMS: told.ElapsedMS},
			Redriven:   4, Retries: 6 + 3*3, Buried: 4, Redelivered: 3, OutlivedHold: 3, Extensions: told.Extensions,
		}
		if told.demoAccounting != want || told.code != 0 {
			t.Errorf("exit code %d with\n%+v, want 0 with\n%+v\n%s", told.code, told.demoAccounting, want, told.text)
		}
		if told.Extensions < 3*4 {
			t.Errorf("%d extensions, but 3 tasks ran for 1.5 holds", told.Extensions)
		}
		if took := time.Duration(told.ElapsedMS) * time.Millisecond; took < 8*time.Second || took > 12*time.Second {
			t.Errorf("it took %v, want about ten seconds", took)
		}
	})
}

func TestDemoTellsWhatHappens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		text := tellInBubble(t.Context(), t).text

		for _, want := range []string{
			`mail-\d+ fails: the mail server is busy; attempt 2 of 4 in `,
			`worker 2 is cut off, as by a power failure, with 3 tasks half done`,
			`report-1 comes back: worker [13] runs it, attempt 2`,
			`video-3 is done after 4.5s on a lease of 3s`,
			`import-3  order.import  permanent     1         the signature does not fit`,
			`import-4  order.import  max-attempts  4         panic: no rate for region 7`,
			`4 of 4 sent back`,
			`import-1 is done, attempt 1 of redrive 1`,
			`24 tasks     = 24 succeeded \+ 0 dead \+ 0 unfinished \+ 0 lost`,
			`46 runs      = 24 succeeded \+ 15 retried \+ 4 buried \+ 3 cut off`,
			`It adds up: nothing was lost`,
		} {
			if n := len(regexp.MustCompile(want).FindAllString(text, -1)); n != 1 {
				t.Errorf("%q is there %d times, want once", want, n)
			}
		}
		for line := range strings.Lines(text) {
			if n := len([]rune(strings.TrimSuffix(line, "\n"))); n > demoWidth || strings.Contains(line, "…") {
				t.Errorf("a line has %d columns, or was cut to %d: %s", n, demoWidth, line)
			}
		}
		if t.Failed() {
			t.Log(text)
		}
	})
}

// The guide has the parts that the story tells to read.
func TestDemoNamesPartsOfTheGuide(t *testing.T) {
	guide, err := os.ReadFile("../../" + demoGuide)
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		parts := regexp.MustCompile(`Read next: `+demoGuide+`, (.*)\.\n`).FindAllStringSubmatch(tellInBubble(t.Context(), t).text, -1)

		if len(parts) != 3 {
			t.Errorf("%d parts to read, want one an act", len(parts))
		}
		for _, part := range parts {
			if !strings.Contains(string(guide), "\n## "+part[1]+"\n") {
				t.Errorf("the guide has no part %q", part[1])
			}
		}
	})
}

// settling picks the calls that settle a task so.
func settling(v driver.Verdict, id string) func(*faultqueue.Call) bool {
	return func(c *faultqueue.Call) bool {
		return slices.ContainsFunc(c.Batch, func(s driver.Settlement) bool {
			return s.Verdict == v && strings.Contains(string(s.Lease.Message().Body), `"`+id+`"`)
		})
	}
}

// ackInstead drops the messages in place of what is to be done with them.
func ackInstead(v driver.Verdict, id string) faultqueue.Rule {
	match := settling(v, id)
	return faultqueue.Rule{Op: faultqueue.Settle, Match: match, Fault: faultqueue.Lie(func(c *faultqueue.Call) {
		for i, s := range c.Batch {
			if match(&faultqueue.Call{Batch: []driver.Settlement{s}}) {
				c.Batch[i] = driver.Settlement{Lease: s.Lease, Verdict: driver.Ack}
			}
		}
	}, nil)}
}

func TestDemoFailsWhenATaskIsLost(t *testing.T) {
	const lost = "sent 24, but 23 succeeded, 0 are dead, 0 unfinished and 1 lost"
	swallow := func(_ context.Context, c *faultqueue.Call, _ faultqueue.Next) {
		c.Sent = make([]driver.SendResult, len(c.Messages))
	}
	tests := []struct {
		name string
		rule faultqueue.Rule
		want string
	}{
		{"by the send", faultqueue.Rule{Op: faultqueue.Send, Match: func(c *faultqueue.Call) bool { return c.N == 20 }, Fault: swallow}, lost},
		{"by the send of a report", faultqueue.Rule{Op: faultqueue.Send, Times: 1, Fault: swallow}, lost},
		{"by a retry", ackInstead(driver.Release, "mail-1"), lost},
		{"by the burial", ackInstead(driver.Bury, "import-1"), "4 tasks died, but the dead letter had 3"},
		{"by the redrive", ackInstead(driver.Redrive, "import-1"), "of 4 dead letters 4 were sent back, and 3 ran again"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				told := tellInBubble(t.Context(), t, tt.rule)

				if told.code != 1 || told.Lost != 1 || told.Succeeded != 23 {
					t.Errorf("exit code %d, %+v\n%s", told.code, told.demoAccounting, told.text)
				}
				if !strings.Contains(told.text, "It does not add up:\n") || !strings.Contains(told.text, tt.want) {
					t.Errorf("it does not say %q but\n%s", tt.want, told.text)
				}
			})
		})
	}
}

// A lease that nobody knows of runs out, and its task comes back.
func TestDemoGetsBackWhatWasLeasedForNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		told := tellInBubble(t.Context(), t, faultqueue.Rule{
			Op: faultqueue.Receive, Times: 1,
			Fault: faultqueue.Lie(nil, func(c *faultqueue.Call) { c.Received = c.Received[:2] }),
		})

		if told.code != 0 || told.Succeeded != 24 || told.Lost != 0 {
			t.Errorf("exit code %d, %+v\n%s", told.code, told.demoAccounting, told.text)
		}
	})
}

// At least once is not exactly once: a lost ack makes a second run, which is
// counted, and nothing is wrong with that.
func TestDemoCountsSecondRuns(t *testing.T) {
	tests := []struct {
		id                    string
		duplicates, outlived  int
		interrupted, attempts int
	}{
		{id: "mail-2", duplicates: 1, outlived: 3, attempts: 47},
		{id: "video-2", outlived: 2, interrupted: 1, attempts: 47}, // the second run is not over at the end
	}
	for _, tt := range tests {
		t.Run(tt.id, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				acks := settling(driver.Ack, tt.id)
				told := tellInBubble(t.Context(), t, faultqueue.Rule{
					Op: faultqueue.Settle, Times: 1, Match: acks,
					Fault: func(ctx context.Context, c *faultqueue.Call, next faultqueue.Next) {
						batch := c.Batch
						faultqueue.On(func(i int) bool { return acks(&faultqueue.Call{Batch: batch[i : i+1]}) },
							faultqueue.FailBefore(nil))(ctx, c, next)
					},
				})

				if told.code != 0 || told.Succeeded != 24 || told.Attempts != tt.attempts ||
					told.Duplicates != tt.duplicates || told.OutlivedHold != tt.outlived {
					t.Errorf("exit code %d, %+v\n%s", told.code, told.demoAccounting, told.text)
				}
				if want := fmt.Sprintf("+ %d repeated + %d interrupted\n", tt.duplicates, tt.interrupted); !strings.Contains(told.text, want) {
					t.Errorf("it does not say %q but\n%s", want, told.text)
				}
			})
		})
	}
}

func TestDemoCanBeInterrupted(t *testing.T) {
	for _, after := range []time.Duration{0, time.Second / 2, 2 * time.Second, 6 * time.Second, 7200 * time.Millisecond} {
		t.Run(after.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), after)
				defer cancel()
				told := tellInBubble(ctx, t)

				if late := time.Duration(told.ElapsedMS)*time.Millisecond - after; late > time.Second {
					t.Errorf("it ended %v after it was interrupted", late)
				}
				if told.code != 1 || told.Lost != 0 || told.Sent != told.Succeeded+told.Dead+told.Unfinished {
					t.Errorf("exit code %d, %+v\n%s", told.code, told.demoAccounting, told.text)
				}
				if !strings.Contains(told.text, "The story was interrupted") {
					t.Errorf("it says\n%s", told.text)
				}
			})
		})
	}
}

func TestDemoEndsAtOnceOnTheSecondSignal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		ctx, interrupt := context.WithCancel(t.Context())
		again := make(chan struct{})
		time.AfterFunc(2*time.Second, interrupt)
		time.AfterFunc(2*time.Second+time.Millisecond, func() { close(again) })
		var out bytes.Buffer

		code, err := demo(ctx, again, true, streams{out: &out, err: &bytes.Buffer{}})

		if took := time.Since(begun); code != exitAborted || err != nil || took > 2100*time.Millisecond {
			t.Errorf("exit code %d (%v) after %v", code, err, took)
		}
		time.Sleep(demoHold) // what was left behind ends with the process, or by itself
	})
}

// A sum of which one number is off does not add up.
func TestDemoSumIsChecked(t *testing.T) {
	sound := demoSum{
		demoTally: demoTally{
			sent: 10, runs: 15, succeeded: 10, retried: 2, buried: 2, cut: 1, redelivered: 1, rerun: 2,
		},
		listed: 2, redriven: 2, complete: true,
	}
	sum := sound
	if sum.check(); !sum.ok() {
		t.Fatalf("a sound sum: %v", sum.problems)
	}
	for name, change := range map[string]func(*demoSum){
		"one sent more":            func(s *demoSum) { s.sent++ },
		"one lost":                 func(s *demoSum) { s.succeeded--; s.lost++ },
		"a run without end":        func(s *demoSum) { s.runs++ },
		"one not listed":           func(s *demoSum) { s.listed-- },
		"one not redriven":         func(s *demoSum) { s.redriven-- },
		"one redriven and not run": func(s *demoSum) { s.rerun-- },
		"one did not come back":    func(s *demoSum) { s.redelivered-- },
		"one still dead":           func(s *demoSum) { s.succeeded--; s.retried++; s.dead++ },
		"one unfinished":           func(s *demoSum) { s.succeeded--; s.retried++; s.unfinished++ },
	} {
		t.Run(name, func(t *testing.T) {
			sum := sound
			change(&sum)
			if sum.check(); sum.ok() {
				t.Error("it adds up")
			}
		})
	}
}

func TestDemoCommand(t *testing.T) {
	t.Parallel()
	begun := time.Now()
	e := longshore(t, "", "demo", "--json")

	if took := time.Since(begun); took > 15*time.Second {
		t.Errorf("it took %v, want about ten seconds", took)
	}
	fields := regexp.MustCompile(`"(\w+)":`).FindAllStringSubmatch(e.out, -1)
	var names []string
	for _, f := range fields {
		names = append(names, f[1])
	}
	if want := []string{
		"sent", "succeeded", "dead", "unfinished", "duplicates", "lost", "attempts", "elapsed_ms",
		"redriven", "retries", "buried", "redelivered", "outlived_hold", "extensions",
	}; !slices.Equal(names, want) {
		t.Errorf("the fields are %q, want %q", names, want)
	}
	if a := e.accounting(t); e.code != 0 || a.Sent != 24 || a.Succeeded != 24 || !strings.Contains(e.out, `"redriven":4,`) {
		t.Errorf("exit code %d, output\n%s", e.code, e.out)
	}
	if !strings.Contains(e.err, "It adds up") || strings.Count(e.out, "\n") != 1 {
		t.Errorf("the story is not on standard error:\n%s", e.err)
	}
}

func TestDemoCommandEndsOnInterrupt(t *testing.T) {
	t.Parallel()
	p := start(t, "demo")
	p.out.await(t, "is cut off", 1)

	_ = p.Process.Signal(syscall.SIGINT)

	e := p.wait(t)
	if e.code != 1 || !strings.Contains(e.out, "The story was interrupted") || e.err != "" {
		t.Errorf("exit code %d, output\n%s\nerrors\n%s", e.code, e.out, e.err)
	}
}

func TestDemoFailsWithoutOutput(t *testing.T) {
	t.Parallel()
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skipf("this system has no device that is full: %v", err)
	}
	defer full.Close()
	var stderr bytes.Buffer
	cmd := exec.CommandContext(t.Context(), binary, "demo")
	cmd.Stdout, cmd.Stderr = full, &stderr
	begun := time.Now()

	err = cmd.Run()

	if _, failed := errors.AsType[*exec.ExitError](err); !failed || cmd.ProcessState.ExitCode() != 1 || time.Since(begun) > 5*time.Second {
		t.Errorf("it ended with %v after %v", err, time.Since(begun))
	}
	if want := "longshore: the output could not be written: "; !strings.HasPrefix(stderr.String(), want) {
		t.Errorf("it says %q", &stderr)
	}
}

func TestDemoRefuses(t *testing.T) {
	t.Parallel()
	for want, args := range map[string][]string{
		`longshore: demo takes no argument, but got "now"`: {"demo", "now"},
		"longshore: unknown flag: --nope":                  {"demo", "--nope"},
	} {
		e := longshore(t, "", args...)
		if e.code != 2 || e.out != "" || !strings.HasPrefix(e.err, want) || strings.Count(e.err, "\n") != 2 {
			t.Errorf("%v: exit code %d, output %q, errors %q", args, e.code, e.out, e.err)
		}
	}
	if e := longshore(t, "", "--help"); !strings.Contains(e.out, "  demo ") {
		t.Errorf("the help does not list it:\n%s", e.out)
	}
}
