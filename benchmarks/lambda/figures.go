package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/events"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/longshore-dev/longshore/drivers/sqs"
	"github.com/longshore-dev/longshore/internal/lambdaruntime"
	"github.com/longshore-dev/longshore/lambdaentry"
	longshore "github.com/longshore-dev/longshore/runtime"
)

// The limits of the figures.
const (
	maxSize   = 12_000_000 // bytes
	maxStart  = 80 * time.Millisecond
	maxCost   = 50 * time.Microsecond
	maxMemory = 256 << 20 // bytes
	maxEvent  = 6_000_000 // bytes
)

type options struct {
	out     io.Writer
	root    string
	starts  int
	records int
	rounds  int
}

// function is the program that is measured.
const function = "./lambdaentry/internal/function"

// build builds the bootstrap for an architecture, as make bootstrap does.
func (o *options) build(ctx context.Context, dir, arch string) (string, error) {
	binary := filepath.Join(dir, "bootstrap-"+arch)
	cmd := exec.CommandContext(ctx, "go", "build", "-tags", "lambda.norpc", "-trimpath", "-ldflags", "-s -w", "-o", binary, function)
	cmd.Dir = o.root
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH="+arch)
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the bootstrap for %s: %w\n%s", arch, err, out)
	}
	return binary, nil
}

// size measures the bootstrap with the driver for Amazon SQS.
func (o *options) size(ctx context.Context) error {
	dir, err := os.MkdirTemp("", "lambda")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	var errs []error
	for _, arch := range []string{"amd64", "arm64"} {
		binary, err := o.build(ctx, dir, arch)
		if err != nil {
			return err
		}
		info, err := os.Stat(binary)
		if err != nil {
			return err
		}
		fmt.Fprintf(o.out, "bootstrap for %s: %d bytes (at most %d)\n", arch, info.Size(), maxSize)
		if info.Size() > maxSize {
			errs = append(errs, fmt.Errorf("missed: the bootstrap for %s has %d bytes, more than %d", arch, info.Size(), maxSize))
		}
	}
	return errors.Join(errs...)
}

// with runs do with an environment of the function on an in-process server's queue.
func (o *options) with(ctx context.Context, do func(env *lambdaruntime.Environment, journal string) error) error {
	dir, err := os.MkdirTemp("", "lambda")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	binary, err := o.build(ctx, dir, runtime.GOARCH)
	if err != nil {
		return err
	}
	endpoint, stop, err := serve(ctx)
	if err != nil {
		return err
	}
	defer stop()
	journal := filepath.Join(dir, "journal")
	env, err := lambdaruntime.New(ctx, lambdaruntime.Function{
		Binary: binary, Timeout: time.Minute, Log: os.Stderr, Queue: "orders",
		Env: []string{
			"LONGSHORE_QUEUE=sqs://orders?region=us-east-1", "LONGSHORE_JOURNAL=" + journal, "AWS_ENDPOINT_URL=" + endpoint,
			"AWS_ACCESS_KEY_ID=id", "AWS_SECRET_ACCESS_KEY=secret",
		},
	})
	if err != nil {
		return err
	}
	defer env.Close()
	return do(env, journal)
}

// start measures the time from the start of the process to its first handler: the Go
// runtime, the start-up check against the queue, the first invocation.
func (o *options) start(ctx context.Context) error {
	return o.with(ctx, func(env *lambdaruntime.Environment, journal string) error {
		var took []time.Duration
		for range o.starts {
			if err := os.RemoveAll(journal); err != nil {
				return err
			}
			event, err := json.Marshal(event(1))
			if err != nil {
				return err
			}
			began := time.Now()
			if err := invoke(ctx, env, event); err != nil {
				return err
			}
			b, err := os.ReadFile(journal)
			if err != nil {
				return err
			}
			fields := strings.Fields(string(b))
			if len(fields) < 4 {
				return fmt.Errorf("the journal has %q", b)
			}
			ns, err := strconv.ParseInt(fields[3], 10, 64)
			if err != nil {
				return err
			}
			took = append(took, time.Unix(0, ns).Sub(began))
			env.Kill()
		}
		slices.Sort(took)
		median := took[len(took)/2]
		fmt.Fprintf(o.out, "start to first handler: %v in the median of %d (%v to %v; below %v)\n", median.Round(100*time.Microsecond), len(took),
			took[0].Round(100*time.Microsecond), took[len(took)-1].Round(100*time.Microsecond), maxStart)
		if median >= maxStart {
			return fmt.Errorf("missed: a start takes %v, not below %v", median, maxStart)
		}
		return nil
	})
}

func invoke(ctx context.Context, env *lambdaruntime.Environment, event []byte) error {
	answer, err := env.Invoke(ctx, event)
	if err == nil && string(answer) != `{"batchItemFailures":[]}` {
		err = fmt.Errorf("the function answers %.200s", answer)
	}
	return err
}

// cost measures what a message takes beside its handler, with the decoding of the event
// and the making of the answer: in the smallest batches and in the largest.
func (o *options) cost(ctx context.Context) error {
	mux := longshore.NewMux(nil)
	mux.HandleRaw("work", func(context.Context, *longshore.Info) error { return nil })
	queue, err := sqs.New(awssqs.New(awssqs.Options{Region: "us-east-1"}), "orders", nil)
	if err != nil {
		return err
	}
	queues := new(longshore.Queues)
	if err := queues.Add(longshore.QueueInfo{Name: "orders", Driver: queue}); err != nil {
		return err
	}
	h, err := lambdaentry.New(mux, queues, &lambdaentry.Options{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return err
	}
	var errs []error
	for _, n := range []int{1, 10, o.records} {
		event, err := json.Marshal(event(n))
		if err != nil {
			return err
		}
		var each []time.Duration
		for range o.rounds {
			times := max(1, 20_000/n)
			began := time.Now()
			for range times {
				within, cancel := context.WithTimeout(ctx, time.Minute)
				_, err := h.Invoke(within, event)
				cancel()
				if err != nil {
					return err
				}
			}
			each = append(each, time.Since(began)/time.Duration(times*n))
		}
		slices.Sort(each)
		median := each[len(each)/2]
		fmt.Fprintf(o.out, "a message in batches of %d: %v in the median of %d (%v to %v; below %v)\n", n, median, len(each), each[0], each[len(each)-1], maxCost)
		if median >= maxCost {
			errs = append(errs, fmt.Errorf("missed: a message in batches of %d takes %v, not below %v", n, median, maxCost))
		}
	}
	return errors.Join(errs...)
}

// memory measures the peak of the process with the largest batch.
func (o *options) memory(ctx context.Context) error {
	return o.with(ctx, func(env *lambdaruntime.Environment, _ string) error {
		event, err := json.Marshal(event(o.records))
		if err != nil {
			return err
		}
		if len(event) > maxEvent {
			return fmt.Errorf("an event of %d records has %d bytes; the largest of AWS Lambda has %d", o.records, len(event), maxEvent)
		}
		for range 5 {
			if err := invoke(ctx, env, event); err != nil {
				return err
			}
		}
		peak, err := peak(env.PID())
		if err != nil {
			return err
		}
		fmt.Fprintf(o.out, "5 invocations with %d records, %d bytes: peak of %d MiB resident (at most %d)\n", o.records, len(event), peak>>20, maxMemory>>20)
		if peak > maxMemory {
			return fmt.Errorf("missed: the process takes %d bytes, more than %d", peak, maxMemory)
		}
		return nil
	})
}

// peak is the most memory that a process had resident, in bytes.
func peak(pid int) (int64, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(b)) {
		if text, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kib, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(text), "kB")), 10, 64)
			return kib << 10, err
		}
	}
	return 0, errors.New("the system does not tell the memory of a process")
}

// event has n tasks of 100 bytes.
func event(n int) events.SQSEvent {
	var e events.SQSEvent
	for i := range n {
		now := strconv.FormatInt(time.Now().UnixMilli(), 10)
		e.Records = append(e.Records, events.SQSMessage{
			MessageId: fmt.Sprintf("%08d-0000-4000-8000-000000000000", i), ReceiptHandle: "AQEB" + strings.Repeat("x", 32),
			Body:        fmt.Sprintf(`{"specversion":"1.0","id":"task-%d","source":"b","type":"work","data":{"do":""}}`, i),
			Attributes:  map[string]string{"ApproximateReceiveCount": "1", "SentTimestamp": now, "ApproximateFirstReceiveTimestamp": now, "SenderId": "123456789012"},
			EventSource: "aws:sqs", EventSourceARN: "arn:aws:sqs:us-east-1:000000000000:orders", AWSRegion: "us-east-1",
		})
	}
	return e
}
