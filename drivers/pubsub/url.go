package pubsub

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/longshore-dev/longshore/driver"
)

func init() {
	driver.Default.Register(driver.Scheme{
		Name:    "pubsub",
		Example: "pubsub://my-project/orders",
		Params: []driver.Param{
			{Name: "topic", Doc: "The topic, an id or projects/PROJECT/topics/ID; default the name of the queue."},
			{Name: "subscription", Doc: "The subscription, an id or projects/PROJECT/subscriptions/ID; default the name of the queue."},
			{Name: "dead_topic", Doc: "The dead-letter topic; default the name of the queue with -dead at its end."},
			{Name: "dead_subscription", Doc: "The subscription of the dead-letter topic; default the name of the queue with -dead at its end."},
			{Name: "ordering", Doc: "Declares that the subscription has message ordering enabled: a group key is the ordering key; true or false, default false."},
			{Name: "exactly_once", Doc: "Declares that the subscription has exactly-once delivery enabled; true or false, default false."},
			{Name: "hold", Doc: "Declares the subscription's ack deadline, where it may not be read; 10s to 10m."},
			{Name: "max_deliveries", Doc: "Declares the maxDeliveryAttempts of the dead-letter policy, where it may not be read; 5 to 100."},
		},
		Open: open,
	})
}

func open(_ context.Context, u *driver.URL) (driver.Queue, error) {
	op := "open " + u.Redacted
	o := Options{
		Topic: u.String("topic", ""), Subscription: u.String("subscription", ""),
		DeadTopic: u.String("dead_topic", ""), DeadSubscription: u.String("dead_subscription", ""),
		Ordered: u.Bool("ordering", false), ExactlyOnce: u.Bool("exactly_once", false),
		Hold:          u.Duration("hold", 0, minHold, maxHold),
		MaxDeliveries: u.Int("max_deliveries", 0, minDeliveries, maxDeliveries),
	}
	if err := u.Err(); err != nil {
		return nil, err
	}
	at, err := resolve(u.Host, u.Path, &o)
	if err != nil {
		return nil, &driver.Error{Code: driver.InvalidArgument, Op: op, Err: err}
	}
	return newQueue(at, o), nil
}

// Options say what a queue is made of, and declare what it can do. The zero value
// is a queue whose topic and subscription have its name.
type Options struct {
	// Topic, Subscription, DeadTopic and DeadSubscription are ids in the queue's
	// project, or complete names such as projects/P/topics/T. Empty: the name of
	// the queue, for the dead letter with -dead at its end.
	Topic, Subscription, DeadTopic, DeadSubscription string

	// Ordered and ExactlyOnce declare that the subscription has message ordering
	// and exactly-once delivery enabled. Policy refuses one that differs.
	Ordered, ExactlyOnce bool

	// Hold and MaxDeliveries declare the subscription's ack deadline (10 s to 600
	// s) and the maxDeliveryAttempts of its dead-letter policy (5 to 100). They
	// stand in where the credentials do not allow GetSubscription; else Policy
	// refuses one that differs from what it reads.
	Hold          time.Duration
	MaxDeliveries int
}

// address is where a queue is: complete names.
type address struct {
	name                        string
	topic, subscription         string
	deadTopic, deadSubscription string
}

const deadSuffix = "-dead"

// resolve makes complete names of what a URL or a caller says.
func resolve(project, queue string, o *Options) (address, error) {
	if err := checkProject(project); err != nil {
		return address{}, err
	}
	if queue == "" {
		return address{}, errors.New("the queue has no name; want pubsub://PROJECT/NAME")
	}
	a := address{name: queue}
	for _, part := range []struct {
		to                        *string
		kind, param, given, other string
	}{
		{&a.topic, "topics", "topic", o.Topic, queue},
		{&a.subscription, "subscriptions", "subscription", o.Subscription, queue},
		{&a.deadTopic, "topics", "dead_topic", o.DeadTopic, queue + deadSuffix},
		{&a.deadSubscription, "subscriptions", "dead_subscription", o.DeadSubscription, queue + deadSuffix},
	} {
		id := part.given
		if id == "" {
			id = part.other
		}
		full, err := fullName(project, part.kind, id)
		switch {
		case err != nil && part.param == "topic" && part.given == "":
			return address{}, fmt.Errorf("queue name: %w", err)
		case err != nil:
			return address{}, fmt.Errorf("%s: %w", part.param, err)
		}
		*part.to = full
	}
	switch {
	case a.deadTopic == a.topic:
		return address{}, fmt.Errorf("the dead-letter topic of %q cannot be its own topic; name another by dead_topic", queue)
	case a.deadSubscription == a.subscription:
		return address{}, fmt.Errorf("the dead-letter subscription of %q cannot be its own; name another by dead_subscription", queue)
	case o.Hold != 0 && (o.Hold < minHold || o.Hold > maxHold):
		return address{}, fmt.Errorf("hold %v is not within %v to %v", o.Hold, minHold, maxHold)
	case o.Hold%grain != 0:
		return address{}, fmt.Errorf("hold %v is not in whole seconds, in which Pub/Sub counts", o.Hold)
	case o.MaxDeliveries != 0 && (o.MaxDeliveries < minDeliveries || o.MaxDeliveries > maxDeliveries):
		return address{}, fmt.Errorf("max deliveries %d is not within %d to %d", o.MaxDeliveries, minDeliveries, maxDeliveries)
	}
	return a, nil
}

// fullName is projects/PROJECT/KIND/ID, where s is that already or an id.
func fullName(project, kind, s string) (string, error) {
	if rest, ok := strings.CutPrefix(s, "projects/"); ok {
		p, id, ok := strings.Cut(rest, "/"+kind+"/")
		if !ok || checkProject(p) != nil {
			return "", fmt.Errorf("%q is not projects/PROJECT/%s/ID", driver.CutText(s, 80), kind)
		}
		project, s = p, id
	}
	if err := checkID(s); err != nil {
		return "", err
	}
	return "projects/" + project + "/" + kind + "/" + s, nil
}

// shortName is the id in a complete name.
func shortName(full string) string { return full[strings.LastIndexByte(full, '/')+1:] }

// projectOf is the project in a complete name.
func projectOf(full string) string {
	p, _, _ := strings.Cut(strings.TrimPrefix(full, "projects/"), "/")
	return p
}

// checkProject reports whether s can be a project: an id, with its domain if it has
// one, or a number.
func checkProject(s string) error {
	if s == "" || len(s) > 100 {
		return fmt.Errorf("a project id has 1 to 100 characters; this has %d; want pubsub://PROJECT/NAME", len(s))
	}
	for i := range len(s) {
		switch c := s[i]; {
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9', c == '-', (c == '.' || c == ':') && i > 0:
		default:
			return fmt.Errorf("project %q has byte 0x%02x at %d; want lower-case letters, digits and hyphens", driver.CutText(s, 80), c, i)
		}
	}
	return nil
}

// checkID reports whether s can be the id of a topic or subscription: 3 to 255
// letters, digits and -_.~+%, a letter first and not goog. Source: Google Pub/Sub,
// "Guidelines to name a topic, subscription, schema, or snapshot".
func checkID(s string) error {
	if len(s) < 3 || len(s) > 255 {
		return fmt.Errorf("an id has 3 to 255 characters; %q has %d", driver.CutText(s, 80), len(s))
	}
	if strings.HasPrefix(s, "goog") {
		return fmt.Errorf("id %q begins with goog, which Google reserves", driver.CutText(s, 80))
	}
	for i := range len(s) {
		switch c := s[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z':
		case i > 0 && (c >= '0' && c <= '9' || strings.IndexByte("-_.~+%", c) >= 0):
		default:
			return fmt.Errorf("id %q has byte 0x%02x at %d; want letters, digits and -_.~+%%, with a letter first", driver.CutText(s, 80), c, i)
		}
	}
	return nil
}
