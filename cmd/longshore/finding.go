package main

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/runtime"
)

// How bad a finding is.
const (
	severe   = "error"   // a worker refuses to start
	doubtful = "warning" // a worker can live with it
)

// Settings that only a doctor looks at, beside those of the start-up check.
const (
	settingRetention  runtime.Setting = "retention"
	settingIdleExpiry runtime.Setting = "idle-expiry"
	settingAlsoSentTo runtime.Setting = "also-sent-to"
	settingAccess     runtime.Setting = "access"
)

// shortHold is below what a lease should run.
const shortHold = 10 * time.Second

// finding is something that is wrong with a queue's configuration. Its fields are
// stable.
type finding struct {
	Severity string          `json:"severity"`
	Setting  runtime.Setting `json:"setting"`
	Native   string          `json:"native,omitempty"` // what the broker calls it
	Problem  string          `json:"problem"`
	Why      string          `json:"why"`
	Fix      string          `json:"fix"`
}

// line is the finding for people.
func (f *finding) line() string {
	name := string(f.Setting)
	if f.Native != "" {
		name += " (" + f.Native + ")"
	}
	return fmt.Sprintf("%s: %s: %s, so %s; %s", f.Severity, name, f.Problem, f.Why, f.Fix)
}

// nativeNames are what brokers call settings.
var nativeNames = map[string]map[runtime.Setting]string{
	"sqs": {
		runtime.SettingDeadLetter:          "RedrivePolicy.deadLetterTargetArn",
		runtime.SettingAttemptLimit:        "RedrivePolicy.maxReceiveCount",
		runtime.SettingHold:                "VisibilityTimeout",
		runtime.SettingDeadLetterRetention: "MessageRetentionPeriod of the dead letter",
		settingRetention:                   "MessageRetentionPeriod",
	},
	"pubsub": {
		runtime.SettingDeadLetter:          "deadLetterPolicy.deadLetterTopic",
		runtime.SettingAttemptLimit:        "deadLetterPolicy.maxDeliveryAttempts",
		runtime.SettingHold:                "ackDeadlineSeconds",
		runtime.SettingRetryDelay:          "retryPolicy",
		runtime.SettingDeadLetterRetention: "messageRetentionDuration of the dead letter's subscription",
		settingRetention:                   "messageRetentionDuration",
		settingIdleExpiry:                  "expirationPolicy",
	},
}

func nativeName(scheme string, s runtime.Setting) string { return nativeNames[scheme][s] }

// doubts are what a worker can live with. hold is what the queue is to have, or 0.
func doubts(p *driver.Policy, hold time.Duration) (found []finding) {
	add := func(s runtime.Setting, problem, why, fix string) {
		found = append(found, finding{Severity: doubtful, Setting: s, Problem: problem, Why: why, Fix: fix})
	}
	switch {
	case hold > 0 && p.Hold > 0 && p.Hold != hold:
		add(runtime.SettingHold, fmt.Sprintf("the queue's own hold is %v, not %v", p.Hold, hold),
			"whoever leases from it without saying for how long gets another hold than this worker", "change it back")
	case hold == 0 && p.Hold > 0 && p.Hold < shortHold:
		add(runtime.SettingHold, fmt.Sprintf("the hold %v is below %v", p.Hold, shortHold),
			"a pause of some seconds, of the network or a busy machine, loses the lease and a task runs twice", "raise it to 30s or more")
	}
	if p.DeadLetterTarget != "" && p.DeadLetterReadable && p.DeadLetterRetention == 0 {
		add(runtime.SettingDeadLetterRetention, "how long the dead letter keeps messages could not be read",
			"dead letters could vanish before anybody has looked", "let this program read it")
	}
	if p.Retention == 0 {
		add(settingRetention, "how long the queue keeps messages could not be read",
			"whether the dead letter keeps them for longer is not known", "let this program read it")
	}
	if p.IdleExpiry > 0 {
		add(settingIdleExpiry, fmt.Sprintf("the broker deletes the queue after %v without use", p.IdleExpiry),
			"tasks sent after that are lost", "switch it off")
	}
	if p.AlsoSentTo != "" {
		add(settingAlsoSentTo, "others get a copy of whatever is sent to the queue: "+p.AlsoSentTo,
			"a redriven task comes to them once more", "give the queue a topic of its own, or make sure that they can take it")
	}
	return found
}

// declared is what a queue URL or a configuration file says of how a queue is
// configured.
type declared struct {
	hold                           time.Duration
	maxReceives                    int
	deadLetter                     string
	retention, deadLetterRetention time.Duration
	retryDelay                     time.Duration
}

func (d declared) empty() bool { return d == declared{} }

// attemptsParams are the parameters that declare the broker's attempt limit, of the
// schemes whose URLs declare how a queue is configured.
var attemptsParams = map[string]string{"sqs": "max_receives", "pubsub": "max_deliveries"}

// cutDeclared takes the declarations out of a queue URL. On other schemes the same
// parameters configure the queue, and nothing is taken out.
func cutDeclared(raw string) (bare string, said declared) {
	base, query, found := strings.Cut(raw, "?")
	scheme, _, _ := strings.Cut(base, "://")
	attempts, declares := attemptsParams[strings.ToLower(scheme)]
	if !found || !declares {
		return raw, said
	}
	var rest []string
	for pair := range strings.SplitSeq(query, "&") {
		name, value, _ := strings.Cut(pair, "=")
		value, err := url.QueryUnescape(value)
		if err != nil {
			return raw, declared{}
		}
		switch name {
		case "hold":
			said.hold, err = time.ParseDuration(value)
		case attempts:
			said.maxReceives, err = strconv.Atoi(value)
		case "dead_letter":
			said.deadLetter = value
		default:
			rest = append(rest, pair)
		}
		if err != nil {
			return raw, declared{}
		}
	}
	if len(rest) > 0 {
		base += "?" + strings.Join(rest, "&")
	}
	return base, said
}

// What a difference from a declaration means, by where that stands.
var (
	byItsURL = finding{
		Severity: severe,
		Why:      "somebody changed it, and a worker with this URL refuses to start",
		Fix:      "change it back, with terraform apply where Terraform made it, or correct the URL",
	}
	byItsFile = finding{
		Severity: doubtful,
		Why:      "a program that may not read the queue would rely on what is not so",
		Fix:      "correct declared in the file, or change it back",
	}
)

// differences are the declarations that do not hold, of which the rest is in by. What
// is not known does not differ.
func (d declared) differences(p *driver.Policy, by finding) (found []finding) {
	add := func(s runtime.Setting, what string, said, is any) {
		f := by
		f.Setting, f.Problem = s, fmt.Sprintf("%s is declared as %v and is %v", what, said, is)
		found = append(found, f)
	}
	if d.deadLetter != "" && d.deadLetter != p.DeadLetterTarget && !strings.HasSuffix(p.DeadLetterTarget, ":"+d.deadLetter) {
		is := "none"
		if p.DeadLetterTarget != "" {
			is = strconv.Quote(p.DeadLetterTarget)
		}
		add(runtime.SettingDeadLetter, "the dead letter", strconv.Quote(d.deadLetter), is)
	}
	if d.maxReceives != 0 && p.DeadLetterTarget != "" && p.MaxAttempts != 0 && d.maxReceives != p.MaxAttempts {
		add(runtime.SettingAttemptLimit, "the broker's attempt limit", d.maxReceives, p.MaxAttempts)
	}
	for _, t := range []struct {
		setting  runtime.Setting
		what     string
		said, is time.Duration
	}{
		{runtime.SettingHold, "the hold", d.hold, p.Hold},
		{settingRetention, "the retention", d.retention, p.Retention},
		{runtime.SettingDeadLetterRetention, "the dead letter's retention", d.deadLetterRetention, p.DeadLetterRetention},
		{runtime.SettingRetryDelay, "the retry delay", d.retryDelay, p.RetryDelay},
	} {
		if t.said != 0 && t.is != 0 && t.said != t.is {
			add(t.setting, t.what, span(milliseconds(t.said)), span(milliseconds(t.is)))
		}
	}
	return found
}
