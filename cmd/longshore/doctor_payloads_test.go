package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

// A worker does not start without the store of its payloads, so a doctor finds nothing
// less.
func TestDoctorLooksAtTheStore(t *testing.T) {
	t.Parallel()
	q := newMemQueue(t, "?hold=1m")
	config, _ := withPayloads(t, q, "")
	if e := here(t, "", "doctor", "--config", config); strings.Contains(e.out, "payloads") {
		t.Errorf("a store that is well: exit code %d\n%s", e.code, e.out)
	}
	for code, want := range map[string]string{
		"AccessDenied": "give this program the rights of a worker",
		"NoSuchBucket": "make the bucket",
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(map[string]int{"AccessDenied": 403, "NoSuchBucket": 404}[code])
			fmt.Fprintf(w, `<?xml version="1.0"?><Error><Code>%s</Code><Message>m</Message></Error>`, code)
		}))
		defer server.Close()
		store := "s3://bucket?region=eu-west-1&anonymous=true&use_path_style=true&endpoint=" + url.QueryEscape(server.URL)
		for _, flags := range [][]string{{"--queue", q.url}, {"--config", config}} {
			e := here(t, "", append([]string{"doctor", "--json", "--payloads", store}, flags...)...)
			var d diagnosis
			if err := json.Unmarshal([]byte(e.out), &d); err != nil {
				t.Fatalf("exit code %d, %v, and it says\n%s", e.code, err, e.err)
			}
			if e.code != exitFailed || d.Errors == 0 || d.Findings[0].Setting != settingPayloads || !strings.Contains(d.Findings[0].Fix, want) || d.Policy == nil {
				t.Errorf("%s with %s: exit code %d, %s", code, flags[0], e.code, e.out)
			}
		}
	}
	if e := here(t, "", "doctor", "--queue", q.url, "--payloads", "bucket"); e.code != exitUsage || !strings.Contains(e.err, "no scheme") {
		t.Errorf("no store: exit code %d, and it says\n%s", e.code, e.err)
	}
}
