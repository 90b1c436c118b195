package sbfake

import (
	"encoding/xml"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/longshore-dev/longshore/drivers/servicebus/sbfake/internal/broker"
)

// feed, entry and adminError are documents of the administration.
type feed struct {
	XMLName xml.Name `xml:"http://www.w3.org/2005/Atom feed"`
	Title   string   `xml:"title"`
	Entries []entry  `xml:"entry"`
}

type entry struct {
	XMLName xml.Name `xml:"http://www.w3.org/2005/Atom entry"`
	Title   string   `xml:"title"`
	Content content  `xml:"content"`
}

type content struct {
	Type  string      `xml:"type,attr"`
	Queue description `xml:"http://schemas.microsoft.com/netservices/2010/10/servicebus/connect QueueDescription"`
}

type adminError struct {
	XMLName xml.Name `xml:"Error"`
	Code    int      `xml:"Code"`
	Detail  string   `xml:"Detail"`
}

// description is a queue as the administration shows it, in the order that it wants.
type description struct {
	LockDuration                     string        `xml:"LockDuration,omitempty"`
	RequiresDuplicateDetection       bool          `xml:"RequiresDuplicateDetection"`
	RequiresSession                  bool          `xml:"RequiresSession"`
	DefaultMessageTimeToLive         string        `xml:"DefaultMessageTimeToLive,omitempty"`
	DeadLetteringOnMessageExpiration bool          `xml:"DeadLetteringOnMessageExpiration"`
	DuplicateDetectionWindow         string        `xml:"DuplicateDetectionHistoryTimeWindow,omitempty"`
	MaxDeliveryCount                 int           `xml:"MaxDeliveryCount,omitempty"`
	SizeInBytes                      int           `xml:"SizeInBytes"`
	MessageCount                     int           `xml:"MessageCount"`
	Status                           string        `xml:"Status,omitempty"`
	CreatedAt                        string        `xml:"CreatedAt"`
	UpdatedAt                        string        `xml:"UpdatedAt"`
	AccessedAt                       string        `xml:"AccessedAt"`
	AutoDeleteOnIdle                 string        `xml:"AutoDeleteOnIdle,omitempty"`
	CountDetails                     *countDetails `xml:"CountDetails"`
	ForwardTo                        string        `xml:"ForwardTo,omitempty"`
	ForwardDeadLettersTo             string        `xml:"ForwardDeadLetteredMessagesTo,omitempty"`
	MaxMessageSize                   int           `xml:"MaxMessageSizeInKilobytes,omitempty"`
}

type countDetails struct {
	Active             int `xml:"ActiveMessageCount"`
	Dead               int `xml:"DeadLetterMessageCount"`
	Scheduled          int `xml:"ScheduledMessageCount"`
	TransferDeadLetter int `xml:"TransferDeadLetterMessageCount"`
	Transfer           int `xml:"TransferMessageCount"`
}

// forever is how the service shows that something never ends.
const forever = "P10675199DT2H48M5.4775807S"

// entry describes a queue; false when there is none.
func (s *Server) entry(name string) (entry, bool) {
	c, ok := s.Queue(name)
	if !ok {
		return entry{}, false
	}
	counts := s.Counts(name)
	now := time.Now().UTC().Format(time.RFC3339)
	return entry{Title: name, Content: content{Type: "application/xml", Queue: description{
		LockDuration:               iso8601(c.LockDuration),
		RequiresDuplicateDetection: c.DuplicateDetection > 0, RequiresSession: c.Sessions,
		DefaultMessageTimeToLive: iso8601(c.DefaultTTL), DeadLetteringOnMessageExpiration: c.DeadLetterOnExpiration,
		DuplicateDetectionWindow: iso8601(max(c.DuplicateDetection, 10*time.Minute)), MaxDeliveryCount: c.MaxDeliveryCount,
		MessageCount: counts.Total(), Status: c.Status, CreatedAt: now, UpdatedAt: now, AccessedAt: now,
		AutoDeleteOnIdle: iso8601(c.AutoDeleteOnIdle),
		CountDetails:     &countDetails{Active: counts.Active + counts.Deferred, Dead: counts.Dead, Scheduled: counts.Scheduled},
		ForwardTo:        c.ForwardTo, ForwardDeadLettersTo: c.ForwardDeadLettersTo, MaxMessageSize: c.MaxMessageSize >> 10,
	}}}, true
}

// config is what a description asks for.
func (d *description) config() (QueueConfig, error) {
	c := QueueConfig{
		MaxDeliveryCount: d.MaxDeliveryCount, DeadLetterOnExpiration: d.DeadLetteringOnMessageExpiration, Sessions: d.RequiresSession,
		MaxMessageSize: d.MaxMessageSize << 10, ForwardTo: d.ForwardTo, ForwardDeadLettersTo: d.ForwardDeadLettersTo, Status: d.Status,
	}
	window := time.Duration(0)
	for _, part := range []struct {
		to   *time.Duration
		name string
		text string
	}{
		{&c.LockDuration, "LockDuration", d.LockDuration},
		{&c.DefaultTTL, "DefaultMessageTimeToLive", d.DefaultMessageTimeToLive},
		{&c.AutoDeleteOnIdle, "AutoDeleteOnIdle", d.AutoDeleteOnIdle},
		{&window, "DuplicateDetectionHistoryTimeWindow", d.DuplicateDetectionWindow},
	} {
		if part.text == "" {
			continue
		}
		var ok bool
		if *part.to, ok = parseISO8601(part.text); !ok {
			return c, &broker.Error{Condition: broker.BadArgument, Status: 400, Text: fmt.Sprintf("The %s %q is not a duration.", part.name, part.text)}
		}
	}
	if d.RequiresDuplicateDetection {
		if window == 0 {
			window = 10 * time.Minute
		}
		c.DuplicateDetection = window
	}
	return c, nil
}

// iso8601 is a duration as the service shows it; 0 is for ever.
func iso8601(d time.Duration) string {
	if d == 0 {
		return forever
	}
	var b strings.Builder
	b.WriteString("P")
	if days := d / (24 * time.Hour); days > 0 {
		fmt.Fprintf(&b, "%dD", days)
		d %= 24 * time.Hour
	}
	if d == 0 {
		return b.String()
	}
	b.WriteString("T")
	for _, unit := range []struct {
		size time.Duration
		name string
	}{{time.Hour, "H"}, {time.Minute, "M"}} {
		if n := d / unit.size; n > 0 {
			fmt.Fprintf(&b, "%d%s", n, unit.name)
			d %= unit.size
		}
	}
	if d > 0 {
		b.WriteString(strconv.FormatFloat(d.Seconds(), 'f', -1, 64) + "S")
	}
	return b.String()
}

var goodDuration = regexp.MustCompile(`^P(?:(\d{1,8})D)?(?:T(?:(\d{1,8})H)?(?:(\d{1,8})M)?(?:(\d{1,8}(?:\.\d{1,9})?)S)?)?$`)

// parseISO8601 reads a duration; what is longer than a hundred years is for ever, 0.
func parseISO8601(s string) (time.Duration, bool) {
	parts := goodDuration.FindStringSubmatch(s)
	if parts == nil || s == "P" || strings.HasSuffix(s, "T") {
		return 0, false
	}
	seconds := 0.0
	for i, size := range []float64{86400, 3600, 60, 1} {
		if parts[i+1] != "" {
			n, err := strconv.ParseFloat(parts[i+1], 64)
			if err != nil {
				return 0, false
			}
			seconds += n * size
		}
	}
	if seconds > 100*365*86400 {
		return 0, true
	}
	return time.Duration(seconds * float64(time.Second)), true
}
