package main

import (
	"fmt"
	"io"
	"math"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
)

// screen is where everything is printed: lines for people on standard error,
// above a progress bar where that is a terminal. It is safe for concurrent use.
type screen struct {
	err   io.Writer
	isTTY bool
	mu    sync.Mutex    // held while writing to err without a bar
	bar   *mpb.Bar      // nil without a bar; set before any concurrent use
	bars  *mpb.Progress // nil without a bar; set before any concurrent use
}

func newScreen(err io.Writer) *screen { return &screen{err: err, isTTY: isTerminal(err)} }

// Write prints whole lines as they are.
func (s *screen) Write(p []byte) (int, error) {
	if s.bars != nil {
		// A terminal that echoes ^C has moved on from the left edge.
		if _, err := s.bars.Write(append([]byte{'\r'}, p...)); err == nil {
			return len(p), nil
		} // the bar has ended
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err.Write(p)
}

// printf prints one line for people.
func (s *screen) printf(format string, args ...any) {
	_, _ = s.Write([]byte(escapeLine(fmt.Sprintf(format, args...)) + "\n"))
}

// progress is what the bar shows.
type progress struct {
	counts
	readAll bool // Sent will not grow
}

// showBar shows a bar until hideBar, if this is a terminal that can move its cursor.
func (s *screen) showBar(now func() progress) {
	if !s.isTTY || os.Getenv("TERM") == "dumb" {
		return
	}
	var r rate
	fill := func(next mpb.BarFiller) mpb.BarFiller {
		return mpb.BarFillerFunc(func(w io.Writer, stat decor.Statistics) error {
			p := now()
			stat.Current, stat.Total = int64(p.settled()), int64(max(1, p.Sent))
			return next.Fill(w, stat)
		})
	}
	s.bars = mpb.New(mpb.WithOutput(s.err), mpb.WithWidth(30), mpb.WithRefreshRate(100*time.Millisecond))
	s.bar = s.bars.New(0, mpb.BarStyle().Lbound("[").Filler("=").Tip(">").Padding("-").Rbound("]"),
		mpb.BarFillerMiddleware(fill),
		mpb.AppendDecorators(decor.Any(func(decor.Statistics) string {
			p := now()
			return " " + describe(p, r.measure(p.settled(), time.Now()))
		})),
	)
}

// hideBar removes the bar. What is printed from then on stands below what was
// printed above it.
func (s *screen) hideBar() {
	if s.bars == nil {
		return
	}
	s.bar.Abort(true)
	s.bars.Wait()
}

// describe is the text beside the bar.
func describe(p progress, perSecond float64) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s/%s", commas(p.settled()), commas(p.Sent))
	if !p.readAll {
		b.WriteByte('+')
	}
	fmt.Fprintf(&b, "  %s/s", commas(int(math.Round(perSecond))))
	if p.Retries > 0 {
		fmt.Fprintf(&b, "  %s", count(p.Retries, "retry"))
	}
	if p.Dead > 0 {
		fmt.Fprintf(&b, "  %s dead", commas(p.Dead))
	}
	return b.String()
}

// rate measures how fast a number grows, over the last few seconds. The zero
// value is ready.
type rate struct {
	last  time.Time
	value int
	// mean is weighted by how long ago each part of it was, weight is the sum
	// of the weights.
	mean, weight float64
}

// rateTime is the time after which a part of the mean has 1/e of its weight.
const rateTime = 3 * time.Second

func (r *rate) measure(value int, now time.Time) float64 {
	if passed := now.Sub(r.last).Seconds(); !r.last.IsZero() && passed > 0 {
		fade := math.Exp(-passed / rateTime.Seconds())
		r.mean = fade*r.mean + (1-fade)*float64(value-r.value)/passed
		r.weight = fade*r.weight + 1 - fade
	}
	r.last, r.value = now, value
	if r.weight == 0 {
		return 0
	}
	return r.mean / r.weight
}
