package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// Flags that are given are in place of what the file says, and others are not.
func TestFlagsOverrideTheFile(t *testing.T) {
	const file = `
queues:
  a: {url: 'mem://a', concurrency: 20, hold: 1m, weight: 3, rate: 5/s, retry: {max_attempts: 7, max_deliveries: 9, backoff: 2s, max_backoff: 2s}}
  b: {url: 'mem://b', concurrency: 5}
`
	const a, b = "a: 20 at a time, hold 1m0s, weight 3, rate 5, 7 attempts, 9 deliveries, backoff 2s", "b: 5 at a time, hold 0s, weight 0, rate 0, 0 attempts, 0 deliveries"
	for name, c := range map[string]struct {
		args string
		want []string
	}{
		"nothing":             {"", []string{"25 in all", a, b}},
		"the total":           {"--concurrency=3", []string{"3 in all", a, b}},
		"that of one queue":   {"--queue=a --concurrency=30", []string{"30 in all", strings.Replace(a, "20 at", "0 at", 1)}},
		"the hold":            {"--hold=45s", []string{"25 in all", strings.Replace(a, "1m0s", "45s", 1), strings.Replace(b, "0s", "45s", 1)}},
		"no hold":             {"--queue=a --hold=0s", []string{"20 in all", strings.Replace(a, "1m0s", "0s", 1)}},
		"fewer attempts":      {"--queue=a --max-attempts=2", []string{"20 in all", strings.Replace(a, "7 attempts", "2 attempts", 1)}},
		"more attempts":       {"--queue=a --max-attempts=10", []string{"20 in all", strings.Replace(a, "7 attempts, 9", "10 attempts, 0", 1)}},
		"the backoff":         {"--queue=a --backoff=3s", []string{"20 in all", strings.Replace(a, "backoff 2s", "backoff 3s", 1)}},
		"the default as such": {"--queue=b --max-attempts=5 --concurrency=10", []string{"10 in all", "b: 0 at a time, hold 0s, weight 0, rate 0, 5 attempts, 0 deliveries"}},
	} {
		t.Run(name, func(t *testing.T) {
			o := new(workerFlags)
			command := new(cobra.Command)
			o.add(command, "queue `URL`", "all")
			if err := command.ParseFlags(append(strings.Fields(c.args), "--exec=cat", "--config", writeConfig(t, file))); err != nil {
				t.Fatal(err)
			}
			if err := o.check("", command.Flags().Changed); err != nil {
				t.Fatal(err)
			}
			if err := o.resolve(); err != nil {
				t.Fatal(err)
			}
			o.override()
			got := []string{fmt.Sprintf("%d in all", o.workerOptions().Concurrency)}
			for _, s := range o.settings {
				line := fmt.Sprintf("%s: %d at a time, hold %v, weight %d, rate %v, %d attempts, %d deliveries",
					s.Name, s.Concurrency, s.Hold, s.Weight, s.Rate.PerSecond, s.Retry.MaxAttempts, s.Retry.MaxDeliveries)
				if s.Retry.Backoff != nil {
					line += fmt.Sprintf(", backoff %v", s.Retry.Backoff(1))
				}
				got = append(got, line)
			}
			if strings.Join(got, "\n") != strings.Join(c.want, "\n") {
				t.Errorf("it makes\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(c.want, "\n"))
			}
		})
	}
}
