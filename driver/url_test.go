package driver_test

import (
	"strings"
	"testing"

	"github.com/longshore-dev/longshore/driver"
)

func TestRedact(t *testing.T) {
	tests := []struct{ name, url, want string }{
		{"plain", "mem://orders", "mem://orders"},
		{"path and port", "sqs://localhost:4566/000000000000/orders.fifo", "sqs://localhost:4566/000000000000/orders.fifo"},
		{"IPv6", "sqs://[::1]/orders", "sqs://[::1]/orders"},
		{"IPv6 and port", "sqs://[::1]:80/orders", "sqs://[::1]:80/orders"},
		{"parameters", "mem://orders?hold=30s&token=secret", "mem://orders?hold=…&token=…"},
		{"a name without a value", "mem://orders?hold", "mem://orders?hold=…"},
		{"an escaped =", "mem://orders?token%3Dsecret", "mem://orders?…=…"},
		{"no name", "mem://orders?=secret", "mem://orders?…=…"},
		{"fragment", "mem://orders#secret", "mem://orders"},
		{"password", "mem://user:secret@orders/a?b=c", "mem://REDACTED@orders/a?b=…"},
		{"password with /", "mem://user:sec/ret@orders", "mem://REDACTED@orders"},
		{"password with @", "mem://user:sec@ret@orders", "mem://REDACTED@orders"},
		{"password with ?", "mem://user:sec?ret@orders", "mem://REDACTED"},
		{"password with #", "mem://user:sec#ret@orders", "mem://REDACTED"},
		{"password with ? and @", "mem://user:a@sec?ret@orders", "mem://REDACTED"},
		{"password with ? and &", "mem://user:sec?x&ret@orders", "mem://REDACTED"},
		{"password without host", "mem://user:secret", "mem://REDACTED/"},
		{"password and path without host", "mem://user:secret/orders", "mem://REDACTED/orders"},
		{"password in the scheme", "user:secret@mem://orders", "(not a URL)"},
		{"not a URL", "secret", "(not a URL)"},
		{"empty", "", "(not a URL)"},
		{"no scheme", "://secret", "(not a URL)"},
		{"control characters", "mem://a\x1b[31m\n\u202e", "mem://a\uFFFD[31m\uFFFD\uFFFD"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := driver.Redact(tt.url); got != tt.want {
				t.Errorf("Redact(%q) = %q, want %q", tt.url, got, tt.want)
			}
		})
	}
}

func TestRedactIsShort(t *testing.T) {
	long := strings.Repeat("x", 10_000)
	for _, url := range []string{long, long + "://" + long, "mem://" + long + "?" + long + "=1&" + long, "mem://a?" + strings.Repeat("a=1&", 1000)} {
		if got := driver.Redact(url); len(got) > 700 {
			t.Errorf("%d bytes of %d are shown", len(got), len(url))
		}
	}
}

// FuzzURL opens any string. What can be opened is shown without its values.
func FuzzURL(f *testing.F) {
	for _, s := range []string{
		"", "fake://", "fake://orders", "fake://orders?hold=30s&max=3&fifo=true&region=a", "fake:orders", "fake:///orders",
		"fake://[::1%25en0]:80/x", "fake://or%00ders", "fake://\xff", "fake://a/%2e%2e/b?region=%00", "fake://a?hold=1s;max=2",
		"fake://a?region=%1b%5b31m", "FAKE://a?max=-0", "fake://user:p@ss@host", "fake://a?a?b=c#d", "mem://x", "://",
	} {
		f.Add(s)
	}
	r := registry(fakeScheme())
	f.Fuzz(func(t *testing.T, raw string) {
		q, err := r.Open(t.Context(), raw)
		if err != nil {
			if q != nil || !driver.Is(err, driver.InvalidArgument) {
				t.Errorf("Open(%q) = %v, %v", raw, q, err)
			}
			checkShown(t, err.Error())
			return
		}
		checkShown(t, q.(*opened).url.Redacted)
	})
}

// checkShown checks that a text cannot write to a terminal and is not long.
func checkShown(t *testing.T, s string) {
	t.Helper()
	if !driver.IsText(s) || strings.ContainsAny(s, "\t\r\n") || len(s) > 1500 {
		t.Errorf("%d bytes that are not fit to be shown: %q", len(s), s)
	}
}

// FuzzURLSecrets puts a secret where people put one, inside any other text.
func FuzzURLSecrets(f *testing.F) {
	for _, s := range []string{"", "x", "/", "?", "#", "@", ":", "&", "=", "%", "%40", "://", "?a=", "&b=", "1", "[", "]", "\x00", "é", "?x&", "/?#@"} {
		f.Add(s, s, "host")
		f.Add(s, "", "host/orders?hold=30s")
		f.Add("", s, "host")
	}
	const secret = "hunter2Sesame"
	r := registry(fakeScheme())
	f.Fuzz(func(t *testing.T, before, after, host string) {
		if strings.Contains(host, "@") {
			return // then the last part of the password stands in host
		}
		for _, raw := range []string{
			"fake://user:" + before + secret + after + "@" + host,
			"fake://" + before + secret + after + "@" + host,
			"fake://host?password=" + strings.ReplaceAll(before, "&", "") + secret,
			"other://user:" + before + secret + after + "@" + host,
		} {
			q, err := r.Open(t.Context(), raw)
			if err == nil {
				t.Fatalf("Open(%q) = %v, want a refusal", raw, q)
			}
			if strings.Contains(err.Error(), secret) {
				t.Errorf("Open(%q): %v repeats the secret", raw, err)
			}
			if strings.Contains(driver.Redact(raw), secret) {
				t.Errorf("Redact(%q) = %q", raw, driver.Redact(raw))
			}
		}
	})
}
