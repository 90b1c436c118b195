package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/longshore-dev/longshore/driver"
)

// diagnosis is what --json prints. Its fields are stable.
type diagnosis struct {
	Queue    string        `json:"queue"`
	Policy   *policyReport `json:"policy"` // null when it could not be read
	Stats    *statsReport  `json:"stats"`
	Findings []finding     `json:"findings"`
	Errors   int           `json:"errors"`
	Warnings int           `json:"warnings"`
}

type policyReport struct {
	HoldMS                int64  `json:"hold_ms"`
	MaxAttempts           int    `json:"max_attempts"`
	DeadLetter            string `json:"dead_letter"`
	RetentionMS           int64  `json:"retention_ms"`
	DeadLetterRetentionMS int64  `json:"dead_letter_retention_ms"`
}

type statsReport struct {
	Ready   int64 `json:"ready"`
	Leased  int64 `json:"leased"`
	Delayed int64 `json:"delayed"`
	Dead    int64 `json:"dead"`
}

func newPolicyReport(p *driver.Policy) policyReport {
	return policyReport{
		HoldMS: p.Hold.Milliseconds(), MaxAttempts: p.MaxAttempts, DeadLetter: p.DeadLetterTarget,
		RetentionMS: milliseconds(p.Retention), DeadLetterRetentionMS: milliseconds(p.DeadLetterRetention),
	}
}

// milliseconds is d, or -1 when it has no end.
func milliseconds(d time.Duration) int64 {
	if d == driver.Unlimited {
		return -1
	}
	return d.Milliseconds()
}

// show prints the diagnosis, which may follow another.
func (d *diagnosis) show(asJSON, follows bool, to io.Writer) error {
	if asJSON {
		return writeJSON(to, d)
	}
	if follows {
		if _, err := io.WriteString(to, "\n"); err != nil {
			return err
		}
	}
	return d.print(to)
}

// print prints the diagnosis for people.
func (d *diagnosis) print(to io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "queue %s\n", escapeLine(d.Queue))
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	if p := d.Policy; p != nil {
		p.print(w)
	}
	if s := d.Stats; s != nil {
		fmt.Fprintf(w, "  messages\t%s ready, %s leased, %s delayed, %s dead\n", number(s.Ready), number(s.Leased), number(s.Delayed), number(s.Dead))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for i := range d.Findings {
		fmt.Fprintf(&b, "%s\n", escapeLine(d.Findings[i].line()))
	}
	if len(d.Findings) == 0 {
		b.WriteString("nothing is wrong with it\n")
	} else {
		fmt.Fprintf(&b, "%s, %s\n", count(d.Errors, "error"), count(d.Warnings, "warning"))
	}
	_, err := io.WriteString(to, b.String())
	return err
}

// print prints the policy as rows of a table.
func (p *policyReport) print(w io.Writer) {
	limit, dead := "unknown", "none"
	if p.MaxAttempts > 0 {
		limit = count(p.MaxAttempts, "delivery")
	}
	if p.DeadLetter != "" {
		dead = escapeLine(p.DeadLetter)
	}
	fmt.Fprintf(w, "  hold\t%s\n  attempt limit\t%s\n  dead letter\t%s\n", span(p.HoldMS), limit, dead)
	fmt.Fprintf(w, "  retention\t%s\n  dead-letter retention\t%s\n", span(p.RetentionMS), span(p.DeadLetterRetentionMS))
}

// span is a time for people.
func span(ms int64) string {
	d := time.Duration(ms) * time.Millisecond
	switch {
	case ms < 0:
		return "without end"
	case ms == 0:
		return "unknown"
	case d >= 48*time.Hour && d%(24*time.Hour) == 0:
		return fmt.Sprintf("%d days", d/(24*time.Hour))
	}
	return d.String()
}

// number is a count that may not be known.
func number(n int64) string {
	if n < 0 {
		return "unknown"
	}
	return commas(int(n))
}
