package envelope

import (
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestDecodeBinaryReads(t *testing.T) {
	want := Event{
		ID: "1", Source: "s", Type: "t", Subject: "é€😀", Time: time.Date(2025, 6, 1, 10, 0, 0, 0, time.UTC),
		DataContentType: "text/plain", Data: []byte("\x00body"), TraceParent: []byte("tp"),
	}
	for _, prefix := range []string{"ce-", "ce_", "CE-", "Ce_", "cloudEvents_", "cloudEvents:", "CLOUDEVENTS:"} {
		for _, contentType := range []string{"content-type", "Content-Type", "datacontenttype", prefix + "datacontenttype"} {
			attributes := map[string]string{
				prefix + "specversion": "1.0",
				prefix + "id":          "1",
				prefix + "Source":      "s",
				prefix + "TYPE":        "t",
				prefix + "subject":     "é€😀",
				prefix + "time":        "2025-06-01T12:00:00+02:00",
				prefix + "traceparent": "tp",
				prefix + "unknown":     "\xff",
				prefix + "data":        "not the data",
				contentType:            "text/plain",
				"id":                   "somebody else's",
				"ce":                   "", "ce-": "", "": "",
			}
			got := Event{Subject: "left over", PartitionKey: "left over"}
			isEvent, err := DecodeBinary(attributes, []byte("\x00body"), &got)
			if !isEvent || err != nil {
				t.Fatalf("%s, %s: %v, %v", prefix, contentType, isEvent, err)
			}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("%s, %s: got %+v, want %+v", prefix, contentType, got, want)
			}
		}
	}
}

func TestDecodeBinaryTakesTheSameValueTwice(t *testing.T) {
	attributes := map[string]string{
		"ce-specversion": "1.0", "ce_specversion": "1.0", "ce-id": "1", "ce-source": "s", "ce-type": "t",
		"content-type": "a/b", "datacontenttype": "a/b",
	}
	var e Event
	if isEvent, err := DecodeBinary(attributes, []byte{}, &e); !isEvent || err != nil {
		t.Fatal(isEvent, err)
	}
	if e.DataContentType != "a/b" || e.Data != nil {
		t.Errorf("got %+v", e)
	}
}

func TestDecodeBinaryLeavesForeignMessagesAlone(t *testing.T) {
	for _, attributes := range []map[string]string{
		nil,
		{},
		{"specversion": "1.0", "ce-id": "1", "ce-source": "s", "ce-type": "t"},
		{"ce-spec": "1.0", "ce-id": "1"},
		{"content-type": "\xff"},
	} {
		e := minimal()
		if isEvent, err := DecodeBinary(attributes, []byte("x"), &e); isEvent || err != nil {
			t.Errorf("%q: %v, %v", attributes, isEvent, err)
		}
		if !reflect.DeepEqual(e, minimal()) {
			t.Errorf("%q: the event was changed to %+v", attributes, e)
		}
	}
}

func TestDecodeBinaryRefuses(t *testing.T) {
	const secret = "SECRET"
	tests := []struct {
		name  string
		key   string
		value string
		want  string
	}{
		{"old specversion", "ce-specversion", "0.3", `specversion: only version "1.0" can be read`},
		{"empty specversion", "ce-specversion", "", `specversion: only version "1.0" can be read`},
		{"empty id", "ce-id", "", "id: it is missing or empty"},
		{"empty source", "ce-source", "", "source: it is missing or empty"},
		{"empty type", "ce-type", "", "type: it is missing or empty"},
		{"long id", "ce-id", secret + strings.Repeat("x", 1019), "id: 1025 bytes exceed 1024"},
		{"control character", "ce-subject", "SECRET\n", "subject: it has a control character"},
		{"invalid UTF-8", "ce-subject", "SECRET\xff", "subject: it is not valid UTF-8"},
		{"bad time", "ce-time", secret, "time: it is not an RFC 3339 time"},
		{"bad expiry", "ce-expirytime", secret, "expirytime: it is not an RFC 3339 time"},
		{"bad content type", "Content-Type", "SECRET\x00", "datacontenttype: it has a control character"},
		{"two ids", "cloudEvents_id", secret, "id: it comes twice with different values"},
		{"two versions", "ce_specversion", secret, "specversion: it comes twice with different values"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			attributes := map[string]string{"ce-specversion": "1.0", "ce-id": "1", "ce-source": "s", "ce-type": "t"}
			attributes[test.key] = test.value
			e := minimal()
			isEvent, err := DecodeBinary(attributes, nil, &e)
			if !isEvent {
				t.Error("it is not seen as an event")
			}
			if err == nil || !strings.HasPrefix(err.Error(), "decode binary event: ") || !strings.Contains(err.Error(), test.want) {
				t.Fatalf("error %v, want one with %q", err, test.want)
			}
			if strings.Contains(err.Error(), secret) {
				t.Errorf("the error repeats the value: %v", err)
			}
			if !reflect.DeepEqual(e, minimal()) {
				t.Errorf("the event was changed to %+v", e)
			}
		})
	}
}
