package servicebus

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/longshore-dev/longshore/driver"
)

func init() {
	driver.Default.Register(driver.Scheme{
		Name:    "servicebus",
		Example: "servicebus://my-namespace.servicebus.windows.net/orders",
		Params: []driver.Param{
			{Name: "sessions", Doc: "Declares that the queue requires sessions: a group key is the session id; true or false, default false."},
			{Name: "dedup", Doc: "Declares that the queue detects duplicates; true or false, default false."},
			{Name: "tier", Doc: "Declares the tier of the namespace, which limits the size of a message: standard (256 KiB) or premium (1 MiB); default standard."},
			{Name: "hold", Doc: "Declares the queue's lock duration, where it may not be read; 5s to 5m, in whole seconds."},
			{Name: "max_deliveries", Doc: "Declares the queue's maximum delivery count, where it may not be read; 1 to 2000."},
		},
		Open: open,
	})
}

// connectionVariable is the environment variable with the connection string.
const connectionVariable = "SERVICEBUS_CONNECTION_STRING"

func open(_ context.Context, u *driver.URL) (driver.Queue, error) {
	op := "open " + u.Redacted
	o := Options{
		Sessions: u.Bool("sessions", false), Dedup: u.Bool("dedup", false),
		Hold:          u.Duration("hold", 0, minHold, maxHold),
		MaxDeliveries: u.Int("max_deliveries", 0, minDeliveries, maxDeliveries),
	}
	tier := u.String("tier", tierStandard)
	if err := u.Err(); err != nil {
		return nil, err
	}
	from, err := login(u.Host, u.Path)
	if err == nil {
		o.Premium, err = isPremium(tier)
	}
	if err == nil {
		err = o.check()
	}
	if err != nil {
		return nil, &driver.Error{Code: driver.InvalidArgument, Op: op, Err: err}
	}
	q := newQueue(u.Path, o)
	q.from = from
	return q, nil
}

// login checks where the queue is, and is what to connect with.
func login(host, queue string) (credentials, error) {
	if host != "" {
		if err := checkNamespace(host); err != nil {
			return credentials{}, err
		}
	}
	if err := checkQueue(queue); err != nil {
		return credentials{}, err
	}
	if host != "" {
		return credentials{namespace: strings.ToLower(host)}, nil
	}
	text := os.Getenv(connectionVariable)
	if text == "" {
		return credentials{}, fmt.Errorf("the URL names no namespace, and %s is not set; want servicebus://NAMESPACE.servicebus.windows.net/%s, or set it", connectionVariable, queue)
	}
	c, err := parseConnection(text)
	if err != nil {
		return credentials{}, fmt.Errorf("%s: %w", connectionVariable, err)
	}
	if c.entity != "" && !strings.EqualFold(c.entity, queue) {
		return credentials{}, fmt.Errorf("%s is for the queue %q (EntityPath), and the URL names %q; correct one of them",
			connectionVariable, driver.CutText(c.entity, 80), queue)
	}
	return credentials{connection: text, emulator: c.emulator}, nil
}

// Options declare what a queue can do. The zero value is a queue on the tier Standard,
// without sessions and duplicate detection.
type Options struct {
	// Sessions declares that the queue requires sessions: a group key is a session id.
	// Dedup declares that it detects duplicates. Policy refuses one that differs.
	Sessions, Dedup bool

	// Premium declares that the namespace is of the tier Premium, where a message may
	// have 1 MiB instead of 256 KiB.
	Premium bool

	// Hold and MaxDeliveries declare the queue's lock duration (5 s to 5 min, in whole
	// seconds) and its maximum delivery count (1 to 2,000). They stand in where the
	// credentials do not allow to read the queue's description, which needs the right
	// Manage; else Policy refuses one that differs from what it reads.
	Hold          time.Duration
	MaxDeliveries int
}

func (o *Options) check() error {
	switch {
	case o.Hold != 0 && (o.Hold < minHold || o.Hold > maxHold):
		return fmt.Errorf("hold %v is not within %v to %v", o.Hold, minHold, maxHold)
	case o.Hold%grain != 0:
		return fmt.Errorf("hold %v is not in whole seconds", o.Hold)
	case o.MaxDeliveries != 0 && (o.MaxDeliveries < minDeliveries || o.MaxDeliveries > maxDeliveries):
		return fmt.Errorf("max deliveries %d is not within %d to %d", o.MaxDeliveries, minDeliveries, maxDeliveries)
	}
	return nil
}

const (
	tierStandard = "standard"
	tierPremium  = "premium"
)

func isPremium(tier string) (bool, error) {
	switch tier {
	case tierPremium:
		return true, nil
	case tierStandard:
		return false, nil
	case "basic":
		return false, errors.New("tier=basic has neither scheduled messages nor sessions nor duplicate detection; use standard or premium")
	}
	return false, fmt.Errorf("parameter tier=%q is not standard or premium", driver.CutText(tier, 40))
}

// checkNamespace reports whether s can be the host name of a namespace.
func checkNamespace(s string) error {
	name, domain, hasDomain := strings.Cut(s, ".")
	shown := driver.CutText(s, 80)
	switch {
	case strings.Contains(s, ":"):
		return fmt.Errorf("namespace %q has a scheme or a port; want its host name alone, such as my-namespace.servicebus.windows.net; an emulator is reached by %s",
			shown, connectionVariable)
	case !hasDomain || domain == "" || name == "":
		return fmt.Errorf("namespace %q is not a host name; want servicebus://NAMESPACE.servicebus.windows.net/QUEUE", shown)
	case len(s) > 253:
		return fmt.Errorf("namespace %q has %d characters; a host name has at most 253", shown, len(s))
	}
	for i := range len(s) {
		switch c := s[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '-', c == '.':
		default:
			return fmt.Errorf("namespace %q has byte 0x%02x at %d; want letters, digits, hyphens and periods", shown, c, i)
		}
	}
	return nil
}

// maxQueueName is the most characters in the name of a queue. Source: Azure resource
// manager, "Naming rules and restrictions for Azure resources", Microsoft.ServiceBus.
const maxQueueName = 260

// checkQueue reports whether s can be the name of a queue: letters, digits and ._-/,
// with a letter or digit first and last.
func checkQueue(s string) error {
	shown := driver.CutText(s, 80)
	switch {
	case s == "":
		return errors.New("the queue has no name; want servicebus://NAMESPACE.servicebus.windows.net/QUEUE")
	case len(s) > maxQueueName:
		return fmt.Errorf("queue name %q has %d characters; want at most %d", shown, len(s), maxQueueName)
	case strings.Contains(s, "$"):
		return fmt.Errorf("queue name %q has a $; name the queue itself, its dead letter belongs to it", shown)
	case strings.Contains(strings.ToLower(s), "/subscriptions/"):
		return fmt.Errorf("%q is a subscription of a topic; this driver is for queues", shown)
	}
	alnum := func(c byte) bool {
		return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
	}
	for i := range len(s) {
		switch c := s[i]; {
		case alnum(c):
		case i > 0 && i < len(s)-1 && strings.IndexByte("._-/", c) >= 0:
		default:
			return fmt.Errorf("queue name %q has byte 0x%02x at %d; want letters, digits and ._-/, with a letter or digit first and last", shown, c, i)
		}
	}
	return nil
}
