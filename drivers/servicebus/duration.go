package servicebus

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/longshore-dev/longshore/driver"
)

// parseDuration reads a duration of the administration API: ISO 8601 of days and
// smaller, such as PT1M30S or P14D. One that is longer than Go's durations, such as
// the P10675199DT2H48M5.4775807S that stands for ever, is driver.Unlimited.
func parseDuration(s string) (time.Duration, error) {
	bad := fmt.Errorf("duration %q is not ISO 8601 of days and smaller", driver.CutText(s, 40))
	rest, ok := strings.CutPrefix(s, "P")
	if !ok || rest == "" {
		return 0, bad
	}
	date, clock, hasClock := strings.Cut(rest, "T")
	if hasClock && clock == "" {
		return 0, bad
	}
	days, err := sumUnits(date, "D", []float64{24 * 3600})
	if err != nil {
		return 0, bad
	}
	seconds, err := sumUnits(clock, "HMS", []float64{3600, 60, 1})
	if err != nil {
		return 0, bad
	}
	if total := days + seconds; total < driver.Unlimited.Seconds() {
		return time.Duration(total * float64(time.Second)).Round(time.Microsecond), nil
	}
	return driver.Unlimited, nil
}

// sumUnits adds up parts such as 2H30M, each unit at most once and in order.
func sumUnits(s, units string, worth []float64) (float64, error) {
	total, next := 0.0, 0
	for s != "" {
		end := strings.IndexFunc(s, func(r rune) bool { return (r < '0' || r > '9') && r != '.' })
		if end <= 0 {
			return 0, strconv.ErrSyntax
		}
		unit := strings.IndexByte(units[next:], s[end])
		if unit < 0 {
			return 0, strconv.ErrSyntax
		}
		n, err := strconv.ParseFloat(s[:end], 64)
		if err != nil {
			return 0, err
		}
		next += unit
		total += n * worth[next]
		next++
		s = s[end+1:]
	}
	return total, nil
}
