package sqs

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/longshore-dev/longshore/driver"
)

func init() {
	driver.Default.Register(driver.Scheme{
		Name:    "sqs",
		Example: "sqs://orders?region=eu-west-1",
		Params: []driver.Param{
			{Name: "region", Doc: "The AWS region; default that of the host, else the SDK's own (AWS_REGION, the profile)."},
			{Name: "hold", Doc: "Declares the queue's visibility timeout, where it may not be read; 2s to 11h59m."},
			{Name: "max_receives", Doc: "Declares the maxReceiveCount of the redrive policy, where it may not be read; 1 to 1000."},
			{Name: "dead_letter", Doc: "Declares the dead letter, where it may not be read; a name in the same account and region, or an ARN."},
			{Name: "sns", Doc: "unwrap: the body of an Amazon SNS notification is its Message; default as it is."},
		},
		Open: open,
	})
}

func open(ctx context.Context, u *driver.URL) (driver.Queue, error) {
	op := "open " + u.Redacted
	region := u.String("region", "")
	o := Options{
		Hold:        u.Duration("hold", 0, minHold, maxTotal),
		MaxReceives: u.Int("max_receives", 0, 1, maxReceives),
		DeadLetter:  u.String("dead_letter", ""),
	}
	switch s := u.String("sns", ""); s {
	case "":
	case "unwrap":
		o.UnwrapSNS = true
	default:
		return nil, driver.Errorf(driver.InvalidArgument, op, "parameter sns is not unwrap; leave it out to have bodies as they are")
	}
	if err := u.Err(); err != nil {
		return nil, err
	}

	if strings.Trim(region, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
		return nil, driver.Errorf(driver.InvalidArgument, op, "parameter region=%q is not a region, such as eu-west-1", driver.CutText(region, 40))
	}

	queue, host := u.Host, ""
	if u.Path != "" {
		host = u.Host
		queue = "https://" + u.Host + "/" + u.Path
		named, known := regionOf(host)
		switch {
		case region == "":
			region = named
		case known && region != named:
			return nil, driver.Errorf(driver.InvalidArgument, op, "region=%s, and the host names %s; remove the parameter", region, named)
		}
	}
	at, err := parseQueue(queue)
	if err == nil {
		err = o.check(at)
	}
	if err != nil {
		return nil, &driver.Error{Code: driver.InvalidArgument, Op: op, Err: err}
	}
	client, err := connect(ctx, op, region, host)
	if err != nil {
		return nil, err
	}
	return newQueue(client, at, o), nil
}

// address is what is known of a queue's place without asking.
type address struct {
	name    string
	account string // empty: that of the credentials
	url     string // empty: to be looked up
}

func (a address) fifo() bool { return strings.HasSuffix(a.name, fifoSuffix) }

const fifoSuffix = ".fifo"

// parseQueue reads a name, or a queue URL such as
// https://sqs.eu-west-1.amazonaws.com/123456789012/orders.
func parseQueue(s string) (address, error) {
	scheme, rest, isURL := strings.Cut(s, "://")
	if !isURL {
		return address{name: s}, checkName(s)
	}
	if scheme != "https" && scheme != "http" {
		return address{}, fmt.Errorf("%q is not the URL of a queue; want https://HOST/ACCOUNT/NAME", driver.CutText(s, 80))
	}
	s = strings.TrimSuffix(s, "/")
	parts := strings.Split(strings.TrimSuffix(rest, "/"), "/")
	n := len(parts)
	if n < 3 || parts[0] == "" || parts[n-2] == "" {
		return address{}, fmt.Errorf("%q is not the URL of a queue; want HOST/ACCOUNT/NAME", driver.CutText(s, 80))
	}
	a := address{name: parts[n-1], account: parts[n-2], url: s}
	return a, checkName(a.name)
}

// checkName reports whether s can be the name of a queue: 1 to 80 letters, digits,
// hyphens and underscores, with .fifo at the end for a FIFO queue.
func checkName(s string) error {
	stem := strings.TrimSuffix(s, fifoSuffix)
	if stem == "" || len(s) > 80 {
		return fmt.Errorf("a queue's name has 1 to 80 characters, with .fifo; this has %d", len(s))
	}
	for i := range len(stem) {
		switch c := stem[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '-', c == '_':
		default:
			return fmt.Errorf("queue name %q has byte 0x%02x at %d; want letters, digits, hyphens and underscores, or HOST/ACCOUNT/NAME",
				driver.CutText(s, 80), c, i)
		}
	}
	return nil
}

// regionOf is the region that a host of Amazon SQS names, in any of the forms that
// there are. Source: AWS General Reference, "Amazon SQS endpoints and quotas".
func regionOf(host string) (string, bool) {
	stem, ok := amazonHost(host)
	if !ok {
		return "", false
	}
	labels := strings.Split(stem, ".")
	n := len(labels)
	switch {
	case n >= 2 && (labels[0] == "sqs" || labels[0] == "sqs-fips") && n == 2: // sqs.eu-west-1
		return labels[1], true
	case n == 4 && strings.HasPrefix(labels[0], "vpce-") && labels[1] == "sqs" && labels[3] == "vpce": // vpce-x.sqs.eu-west-1.vpce
		return labels[2], true
	case n == 2 && labels[1] == "queue": // eu-west-1.queue
		return labels[0], true
	case stem == "queue":
		return "us-east-1", true
	}
	return "", false
}

// amazonHost is a host without the domain of AWS, if it has that.
func amazonHost(host string) (stem string, ok bool) {
	for _, domain := range []string{".amazonaws.com.cn", ".amazonaws.com", ".api.aws", ".api.amazonwebservices.com.cn"} {
		if stem, ok := strings.CutSuffix(host, domain); ok {
			return stem, true
		}
	}
	return "", false
}

// ARN is the name of a queue: arn:aws:sqs:REGION:ACCOUNT:NAME.
type arn struct{ partition, region, account, name string }

func parseARN(s string) (arn, bool) {
	p := strings.Split(s, ":")
	if len(p) != 6 || p[0] != "arn" || p[2] != "sqs" || p[4] == "" || checkName(p[5]) != nil {
		return arn{}, false
	}
	return arn{p[1], p[3], p[4], p[5]}, true
}

func (a arn) String() string {
	return "arn:" + a.partition + ":sqs:" + a.region + ":" + a.account + ":" + a.name
}

// Options declare what a queue is, and how its messages are read. The zero value
// declares nothing.
type Options struct {
	// Hold, MaxReceives and DeadLetter declare the queue's visibility timeout
	// (2 s to 11h59m), the maxReceiveCount of its redrive policy (1 to 1,000) and
	// its dead letter (a name in the same account and region, or an ARN). They
	// stand in where the credentials do not allow GetQueueAttributes; else Policy
	// refuses one that differs from what it reads.
	Hold        time.Duration
	MaxReceives int
	DeadLetter  string

	// UnwrapSNS makes the Message of an Amazon SNS notification the body; other
	// bodies stay as they are. Bury and Redrive send the notification on.
	UnwrapSNS bool
}

// check refuses declarations that cannot be true.
func (o *Options) check(a address) error {
	switch {
	case o.Hold != 0 && (o.Hold < minHold || o.Hold > maxTotal || o.Hold%grain != 0):
		return fmt.Errorf("hold %v is not a number of seconds within %v to %v", o.Hold, minHold, maxTotal)
	case o.MaxReceives < 0 || o.MaxReceives > maxReceives:
		return fmt.Errorf("max receives %d is not within 1 to %d", o.MaxReceives, maxReceives)
	case o.DeadLetter == "":
		return nil
	}
	name := o.DeadLetter
	to, isARN := parseARN(name)
	if isARN {
		name = to.name
	} else if err := checkName(name); err != nil {
		return fmt.Errorf("dead letter: %w; or its ARN", err)
	}
	if name == a.name && (!isARN || to.account == a.account) {
		return fmt.Errorf("the dead letter of %q cannot be itself; name another queue", name)
	}
	if strings.HasSuffix(name, fifoSuffix) != a.fifo() {
		return fmt.Errorf("the dead letter %q of %q is of another kind; a FIFO queue has a FIFO dead letter", name, a.name)
	}
	return nil
}
