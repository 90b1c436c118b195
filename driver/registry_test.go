package driver_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/longshore-dev/longshore/driver"
)

// opened is a queue that knows how it was opened. Only Close can be called.
type opened struct {
	driver.Queue
	url    *driver.URL
	closed bool
}

func (q *opened) Close(context.Context) error { q.closed = true; return nil }

// fakeScheme opens nothing; it reads the parameters as a driver does.
func fakeScheme() driver.Scheme {
	return driver.Scheme{
		Name: "fake", Example: "fake://orders?hold=30s",
		Params: []driver.Param{{Name: "hold"}, {Name: "max"}, {Name: "fifo"}, {Name: "region"}},
		Open: func(_ context.Context, u *driver.URL) (driver.Queue, error) {
			u.Duration("hold", time.Minute, time.Second, time.Hour)
			u.Int("max", 5, 1, 100)
			u.Bool("fifo", false)
			u.String("region", "")
			return &opened{url: u}, u.Err()
		},
	}
}

func registry(schemes ...driver.Scheme) *driver.Registry {
	r := new(driver.Registry)
	for _, s := range schemes {
		r.Register(s)
	}
	return r
}

func TestRegistryOpen(t *testing.T) {
	q, err := registry(fakeScheme()).Open(t.Context(), "FAKE://host:80/a/b%20c?hold=30s&fifo=true&region=x%3Dy+z")
	if err != nil {
		t.Fatal(err)
	}
	u := q.(*opened).url
	if u.Scheme != "fake" || u.Host != "host:80" || u.Path != "a/b c" {
		t.Errorf("scheme %q, host %q, path %q", u.Scheme, u.Host, u.Path)
	}
	if want := "FAKE://host:80/a/b%20c?hold=…&fifo=…&region=…"; u.Redacted != want {
		t.Errorf("redacted %q, want %q", u.Redacted, want)
	}
	if !u.Has("hold") || u.Has("max") {
		t.Error("Has does not tell what is given")
	}
	if got := u.Duration("hold", 0, 0, time.Hour); got != 30*time.Second {
		t.Errorf("hold %v", got)
	}
	if got := u.Int("max", 5, 1, 100); got != 5 {
		t.Errorf("max %d, want the value for absent", got)
	}
	if !u.Bool("fifo", false) || u.String("region", "") != "x=y z" || u.String("max", "absent") != "absent" {
		t.Error("fifo, region or max was misread")
	}
	if u.Err() != nil {
		t.Errorf("Err() = %v", u.Err())
	}
}

func TestRegistryOpenRefuses(t *testing.T) {
	tests := []struct{ name, url, want string }{
		{"empty", "", "not a queue URL; want SCHEME://NAME, with one of fake, other"},
		{"no scheme", "orders", "not a queue URL"},
		{"unknown scheme", "sqs://orders", "unknown scheme; want one of fake, other"},
		{"too long", "fake://orders/" + strings.Repeat("x", driver.MaxURL), "bytes exceed 2048"},
		{"user and password", "fake://user:hunter2@orders", "has an @"},
		{"user", "fake://hunter2@orders", "has an @"},
		{"@ in a value", "fake://orders?region=hunter2@x", "written %40"},
		{"fragment", "fake://orders#hunter2", "fragment"},
		{"empty fragment", "fake://orders#", "fragment"},
		{"password without host", "fake://user:hunter2", "malformed URL (it cannot be parsed), for example fake://orders?hold=30s"},
		{"bad escape", "fake://orders/%zz", "invalid percent escape"},
		{"bad host", "fake://or ders", "invalid character in the host"},
		{"control character", "fake://orders\n", "cannot be parsed"},
		{"unknown parameter", "fake://orders?password=hunter2", `unknown parameter "password"; known are hold, max, fifo, region`},
		{"parameter in another case", "fake://orders?Hold=30s", `unknown parameter "Hold"`},
		{"value in the place of a name", "fake://orders?password%3Dhunter2", `unknown parameter "…"`},
		{"doubled parameter", "fake://orders?hold=30s&hold=31s", `parameter "hold" is given twice`},
		{"doubled by an escape", "fake://orders?hold=30s&h%6fld=31s", `parameter "hold" is given twice`},
		{"no value", "fake://orders?hold", `"hold" has no value`},
		{"empty value", "fake://orders?hold=", `"hold" has no value`},
		{"bad escape in a value", "fake://orders?hold=%zz", "invalid percent escape"},
		{"bad escape in a name", "fake://orders?%zz=1", "malformed parameter name"},
		{"empty name", "fake://orders?=hunter2", "malformed parameter name"},
		{"empty pair", "fake://orders?hold=30s&", "malformed parameter name"},
		{"not a duration", "fake://orders?hold=30", "parameter hold=\"30\" is not a duration within 1s to 1h0m0s"},
		{"duration too short", "fake://orders?hold=1ms", "within 1s to 1h0m0s"},
		{"duration too long", "fake://orders?hold=1h1ns", "within 1s to 1h0m0s"},
		{"negative duration", "fake://orders?hold=-30s", "within 1s to 1h0m0s"},
		{"absurd duration", "fake://orders?hold=9999999999h", "within 1s to 1h0m0s"},
		{"not a number", "fake://orders?max=ten", "parameter max=\"ten\" is not a whole number within 1 to 100"},
		{"fraction", "fake://orders?max=1.5", "within 1 to 100"},
		{"number too low", "fake://orders?max=0", "within 1 to 100"},
		{"number too high", "fake://orders?max=101", "within 1 to 100"},
		{"absurd number", "fake://orders?max=99999999999999999999", "within 1 to 100"},
		{"not a bool", "fake://orders?fifo=yes", "parameter fifo=\"yes\" is not true or false"},
		{"a long value is clipped", "fake://orders?max=" + strings.Repeat("9", 500), "…[cut]\" is not"},
		{"the first of two errors", "fake://orders?max=0&hold=0", "parameter hold"},
	}
	r := registry(fakeScheme(), driver.Scheme{Name: "other", Open: func(context.Context, *driver.URL) (driver.Queue, error) { panic("opened") }})
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			q, err := r.Open(t.Context(), tt.url)
			wantRefusal(t, err, driver.InvalidArgument, "open "+driver.Redact(tt.url), tt.want)
			if q != nil {
				t.Error("a refusal gave a queue")
			}
			if strings.Contains(err.Error(), "hunter2") {
				t.Errorf("%v repeats a secret", err)
			}
		})
	}
}

func TestRegistryOpenWithoutSchemes(t *testing.T) {
	_, err := registry().Open(t.Context(), "mem://orders")
	wantRefusal(t, err, driver.InvalidArgument, "open mem://orders", "import a driver")
}

func TestRegistryOpenPassesTheDriversErrorOn(t *testing.T) {
	s := fakeScheme()
	s.Open = func(context.Context, *driver.URL) (driver.Queue, error) { return nil, io.ErrNoProgress }
	if _, err := registry(s).Open(t.Context(), "fake://orders"); !errors.Is(err, io.ErrNoProgress) {
		t.Errorf("got %v, want the driver's error", err)
	}
}

// A driver that forgets Err must not open a queue on half-read parameters, and
// must not leave one open that nobody has.
func TestRegistryClosesAQueueThatIsNotHandedOut(t *testing.T) {
	var made *opened
	s := fakeScheme()
	s.Open = func(_ context.Context, u *driver.URL) (driver.Queue, error) {
		u.Int("max", 0, 1, 2)
		made = &opened{url: u}
		return made, nil
	}

	q, err := registry(s).Open(t.Context(), "fake://orders?max=x")

	wantRefusal(t, err, driver.InvalidArgument, "open fake://orders?max=…", "max")
	if q != nil || !made.closed {
		t.Errorf("queue %v, closed %v; want nil and true", q, made.closed)
	}
}

func TestRegisterRefusesMistakes(t *testing.T) {
	open := fakeScheme().Open
	for name, s := range map[string]driver.Scheme{
		"no name":    {Open: open},
		"upper case": {Name: "Mem", Open: open},
		"no open":    {Name: "mem"},
		"twice":      fakeScheme(),
	} {
		t.Run(name, func(t *testing.T) {
			r := registry(fakeScheme())
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			r.Register(s)
		})
	}
}

func TestSchemesAreSorted(t *testing.T) {
	s := fakeScheme()
	r := registry()
	for _, name := range []string{"sqs", "mem", "pubsub"} {
		s.Name = name
		r.Register(s)
	}
	var got []string
	for _, s := range r.Schemes() {
		got = append(got, s.Name)
	}
	if want := "mem pubsub sqs"; strings.Join(got, " ") != want {
		t.Errorf("got %v, want %s", got, want)
	}
}

// The race detector judges this one.
func TestRegistryIsSafeForConcurrentUse(t *testing.T) {
	r := registry(fakeScheme())
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			s := fakeScheme()
			s.Name += strings.Repeat("x", i+1)
			r.Register(s)
			if _, err := r.Open(t.Context(), "fake://orders"); err != nil {
				t.Error(err)
			}
			r.Schemes()
		})
	}
	wg.Wait()
	if got := len(r.Schemes()); got != 9 {
		t.Errorf("%d schemes, want 9", got)
	}
}
