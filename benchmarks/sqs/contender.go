package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/pprof"
	"sync/atomic"
	"time"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/smithy-go/logging"

	"github.com/longshore-dev/longshore/benchmarks/internal/load"
)

// contender is a way to work on a queue.
type contender struct {
	name string
	does string // what happens to a task on its way
	// parallel is how many pollers or goroutines to try; that with the lowest CPU
	// a message counts.
	parallel []int
	// open starts the work. It calls done once for each task that is done and
	// acknowledged as far as the contender knows that. What it answers ends the
	// work and waits for it.
	open func(ctx context.Context, parallel int, done func(error)) (end func() error, err error)
}

var contenders = []contender{longshore, raw, gocloud, gocloudDefault}

// environment is by which a process finds the server at url, as the SDK does.
func environment(url string) []string {
	return []string{
		"AWS_ENDPOINT_URL_SQS=" + url, "AWS_REGION=" + region,
		"AWS_ACCESS_KEY_ID=bench", "AWS_SECRET_ACCESS_KEY=bench",
		"AWS_CONFIG_FILE=" + os.DevNull, "AWS_SHARED_CREDENTIALS_FILE=" + os.DevNull,
	}
}

// queueURL is the queue's at the server of the environment.
func queueURL() string {
	return os.Getenv("AWS_ENDPOINT_URL_SQS") + "/" + account + "/" + load.QueueName
}

// newClient is the SDK's client, with so many connections kept open.
func newClient(ctx context.Context, connections int) (*awssqs.Client, error) {
	c, err := config.LoadDefaultConfig(ctx, config.WithLogger(logging.Nop{}), config.WithHTTPClient(
		awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) {
			t.MaxIdleConns, t.MaxIdleConnsPerHost = connections, connections
		})))
	return awssqs.NewFromConfig(c), err
}

// measurement is how a contender did.
type measurement struct {
	Messages  int64
	CPU, Took time.Duration
}

// perMessage is the CPU time that a message took.
func (m measurement) perMessage() time.Duration { return m.CPU / time.Duration(max(1, m.Messages)) }

// perSecond is how many messages were done in a second.
func (m measurement) perSecond() float64 { return float64(m.Messages) / m.Took.Seconds() }

// period is how long a contender works.
type period struct {
	parallel       int
	warmUp, length time.Duration
	profile        string // a file for the CPU profile, if any
}

// work is the process of a contender: it works for a while, and says on out how
// it did.
func work(ctx context.Context, c contender, p period, out io.Writer) (err error) {
	debug.SetGCPercent(gcPercent)
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var messages atomic.Int64
	end, err := c.open(ctx, p.parallel, func(err error) {
		if err != nil {
			cancel(err)
		}
		messages.Add(1)
	})
	if err != nil {
		return err
	}
	load.Pause(ctx, p.warmUp)
	runtime.GC()
	if p.profile != "" {
		f, err := os.Create(p.profile)
		if err != nil {
			return err
		}
		defer f.Close()
		if err := pprof.StartCPUProfile(f); err != nil {
			return err
		}
		defer pprof.StopCPUProfile()
	}
	began, used, before := time.Now(), load.CPUTime(), messages.Load()
	load.Pause(ctx, p.length)
	m := measurement{messages.Load() - before, load.CPUTime() - used, time.Since(began)}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if m.Messages == 0 {
		return fmt.Errorf("%s did nothing in %v", c.name, p.length)
	}
	if err := end(); err != nil {
		return err
	}
	return json.NewEncoder(out).Encode(m)
}

// gcPercent is for all contenders: see README.md.
const gcPercent = 400
