package runtime

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/runtime/internal/configfile"
)

// QueueSettings are what a configuration file says of one queue. What it does not
// say is zero.
type QueueSettings struct {
	// Name is 1 to 128 letters, digits and any of ._-
	Name string
	// URL is the queue's, with the variables of the environment in their places.
	URL string
	// Weight, Concurrency, Rate, Hold, Retry and Declared are those of [QueueInfo].
	Weight      int
	Concurrency int
	Rate        Rate
	Hold        time.Duration
	Retry       *RetryPolicy
	Declared    *driver.Policy

	op        string // names file and line; empty when there is none
	variables []configfile.Variable
}

func newQueueSettings(op string, q *configfile.Queue) QueueSettings {
	s := QueueSettings{
		Name: q.Name, URL: q.URL, Weight: q.Weight, Concurrency: q.Concurrency, Hold: q.Hold,
		Rate: Rate{PerSecond: q.Rate, Burst: q.Burst},
		op:   fmt.Sprintf("%s:%d:%d: queues.%s", op, q.Line, q.Column, q.Name), variables: q.Variables,
	}
	if q.MaxAttempts > 0 || q.MaxDeliveries > 0 || q.Backoff > 0 || q.MaxBackoff > 0 {
		s.Retry = &RetryPolicy{MaxAttempts: q.MaxAttempts, MaxDeliveries: q.MaxDeliveries}
		if q.Backoff > 0 || q.MaxBackoff > 0 {
			base := cmp.Or(q.Backoff, time.Second)
			s.Retry.Backoff = Exponential(base, max(base, cmp.Or(q.MaxBackoff, 10*time.Minute)))
		}
	}
	if d := q.Declared; d != nil {
		s.Declared = &driver.Policy{
			Hold: d.Hold, MaxAttempts: d.MaxAttempts, DeadLetterTarget: d.DeadLetter, DeadLetterReadable: d.DeadLetter != "",
			Retention: d.Retention, DeadLetterRetention: d.DeadLetterRetention, RetryDelay: d.RetryDelay,
		}
	}
	return s
}

func (s *QueueSettings) addTo(ctx context.Context, queues *Queues) error {
	info, err := s.Open(ctx)
	if err != nil {
		return err
	}
	if err := queues.Add(info); err != nil {
		return errors.Join(driver.Errorf(driver.CodeOf(err), s.op, "%w", err), info.Driver.Close(ctx))
	}
	return nil
}

// Open opens the queue, which does no I/O with it, and answers it with its
// settings, for [Queues.Add]. InvalidArgument for a URL that its driver refuses; the
// error has no value of the environment.
func (s *QueueSettings) Open(ctx context.Context) (QueueInfo, error) {
	q, err := driver.Default.Open(ctx, s.URL)
	switch {
	case err == nil:
		return QueueInfo{
			Name: s.Name, Driver: q, Weight: s.Weight, Concurrency: s.Concurrency, Rate: s.Rate, Hold: s.Hold,
			Retry: s.Retry, Declared: s.Declared,
		}, nil
	case s.op == "":
		return QueueInfo{}, err
	}
	return QueueInfo{}, driver.Errorf(driver.CodeOf(err), s.op, "%s", s.redact(err.Error()))
}

// redact puts the names of variables in the place of their values, which came from
// outside the file and may be secret, also of the beginning of one that was cut.
func (s *QueueSettings) redact(text string) string {
	type secret struct{ value, name string }
	var secrets []secret
	for _, v := range s.variables {
		if len(v.Value) < 4 {
			continue // no secret, and maybe a part of any number
		}
		forms := []string{v.Value}
		for _, decode := range []func(string) (string, error){url.QueryUnescape, url.PathUnescape} {
			if decoded, err := decode(v.Value); err == nil {
				forms = append(forms, decoded)
			}
		}
		for _, form := range forms {
			quoted := strconv.Quote(form)
			for _, shown := range []string{form, quoted[1 : len(quoted)-1]} {
				secrets = append(secrets, secret{shown, "${" + v.Name + "}"})
				for n := len(shown) - 1; n > 0; n-- {
					if cut := shown[:n] + "…"; strings.Contains(text, cut) {
						secrets = append(secrets, secret{cut, "${" + v.Name + "}…"})
						break
					}
				}
			}
		}
	}
	slices.SortStableFunc(secrets, func(a, b secret) int { return len(b.value) - len(a.value) }) // one may begin with another
	var pairs []string
	for _, v := range secrets {
		pairs = append(pairs, v.value, v.name)
	}
	return strings.NewReplacer(pairs...).Replace(text)
}
