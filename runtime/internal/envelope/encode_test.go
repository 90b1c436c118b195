package envelope

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
)

// minimal is a legal event with nothing optional.
func minimal() Event { return Event{ID: "1", Source: "s", Type: "t"} }

// with is minimal, changed.
func with(change func(*Event)) *Event {
	e := minimal()
	change(&e)
	return &e
}

var east = time.FixedZone("", 5*60*60+30*60)

func TestAppendWrites(t *testing.T) {
	tests := []struct {
		name  string
		event *Event
		want  string
	}{
		{"the least", with(func(e *Event) {}),
			`{"specversion":"1.0","id":"1","source":"s","type":"t"}`},
		{"everything", &Event{
			ID: "id", Source: "/src", Type: "a.b", Subject: "sub",
			Time:            time.Date(2025, 1, 2, 3, 4, 5, 6000, time.UTC),
			Expiry:          time.Date(2025, 1, 3, 3, 4, 5, 0, east),
			DataContentType: "application/json", Data: []byte(`{"n":1}`), DataRef: "s3://b/k",
			PartitionKey: "p", TraceParent: []byte("00-1-2-01"), TraceState: "a=b",
		}, `{"specversion":"1.0","id":"id","source":"/src","type":"a.b","subject":"sub",` +
			`"time":"2025-01-02T03:04:05.000006Z","expirytime":"2025-01-02T21:34:05Z","partitionkey":"p",` +
			`"traceparent":"00-1-2-01","tracestate":"a=b","dataref":"s3://b/k",` +
			`"datacontenttype":"application/json","data":{"n":1}}`},
		{"JSON by default, without the space around it", with(func(e *Event) { e.Data = []byte(" [1, 2]\n") }),
			`{"specversion":"1.0","id":"1","source":"s","type":"t","data":[1, 2]}`},
		{"null is data", with(func(e *Event) { e.Data = []byte("null") }),
			`{"specversion":"1.0","id":"1","source":"s","type":"t","data":null}`},
		{"other data in base64", with(func(e *Event) { e.DataContentType, e.Data = "text/plain", []byte("hi\x00\xff") }),
			`{"specversion":"1.0","id":"1","source":"s","type":"t","datacontenttype":"text/plain","data_base64":"aGkA/w=="}`},
		{"empty data", with(func(e *Event) { e.DataContentType, e.Data = "text/plain", []byte{} }),
			`{"specversion":"1.0","id":"1","source":"s","type":"t","datacontenttype":"text/plain"}`},
		{"escapes", with(func(e *Event) { e.ID, e.Subject = `a"b\c`, `/é€😀\` }),
			`{"specversion":"1.0","id":"a\"b\\c","source":"s","type":"t","subject":"/é€😀\\"}`},
		{"the first and last time", with(func(e *Event) {
			e.Time = time.Date(1, 1, 1, 0, 0, 0, 1, time.UTC)
			e.Expiry = time.Date(9999, 12, 31, 23, 59, 59, 999999999, time.UTC)
		}), `{"specversion":"1.0","id":"1","source":"s","type":"t",` +
			`"time":"0001-01-01T00:00:00.000000001Z","expirytime":"9999-12-31T23:59:59.999999999Z"}`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := Append([]byte("before"), test.event)
			if err != nil {
				t.Fatal(err)
			}
			if string(got) != "before"+test.want {
				t.Errorf("got  %s\nwant before%s", got, test.want)
			}
			if !json.Valid(got[len("before"):]) {
				t.Error("not valid JSON")
			}
			if size := Size(test.event); size < len(test.want) {
				t.Errorf("Size %d is below the %d bytes written", size, len(test.want))
			}
		})
	}
}

func TestAppendTakesTheLongestNames(t *testing.T) {
	long := strings.Repeat("é", maxName/2)
	e := Event{ID: long, Source: long, Type: long}
	body, err := Append(nil, &e)
	if err != nil {
		t.Fatal(err)
	}
	var back Event
	if err := Decode(body, &back); err != nil {
		t.Fatal(err)
	}
	if back.ID != long || back.Source != long || back.Type != long {
		t.Error("a name came back changed")
	}
}

func TestAppendRefuses(t *testing.T) {
	// Every bad value has this in it, and no error may.
	const secret = "SECRET"
	tests := []struct {
		name  string
		event *Event
		want  string
	}{
		{"no id", with(func(e *Event) { e.ID = "" }), "id: it is empty"},
		{"no source", with(func(e *Event) { e.Source = "" }), "source: it is empty"},
		{"no type", with(func(e *Event) { e.Type = "" }), "type: it is empty"},
		{"long id", with(func(e *Event) { e.ID = secret + strings.Repeat("x", 1019) }), "id: 1025 bytes exceed 1024"},
		{"long source", with(func(e *Event) { e.Source = secret + strings.Repeat("x", 1019) }), "source: 1025 bytes exceed 1024"},
		{"long type", with(func(e *Event) { e.Type = secret + strings.Repeat("x", 1019) }), "type: 1025 bytes exceed 1024"},
		{"newline", with(func(e *Event) { e.ID = secret + "\n" }), "id: it has a control character"},
		{"NUL", with(func(e *Event) { e.Source = "\x00" + secret }), "source: it has a control character"},
		{"DEL", with(func(e *Event) { e.Type = secret + "\x7f" }), "type: it has a control character"},
		{"C1 control", with(func(e *Event) { e.Subject = secret + "\u0085" }), "subject: it has a control character"},
		{"noncharacter", with(func(e *Event) { e.PartitionKey = secret + "\uFDD0" }), "partitionkey: it has a Unicode noncharacter"},
		{"noncharacter of a plane", with(func(e *Event) { e.DataRef = secret + "\U0002FFFE" }), "dataref: it has a Unicode noncharacter"},
		{"invalid UTF-8", with(func(e *Event) { e.TraceState = secret + "\xff" }), "tracestate: it is not valid UTF-8"},
		{"cut UTF-8", with(func(e *Event) { e.TraceParent = []byte(secret + "\xe2\x82") }), "traceparent: it is not valid UTF-8"},
		{"bad content type", with(func(e *Event) { e.DataContentType = secret + "\t" }), "datacontenttype: it has a control character"},
		{"year 10000", with(func(e *Event) { e.Time = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC) }), "time: its year is not within 1 to 9999"},
		{"year 10000 in UTC", with(func(e *Event) { e.Expiry = time.Date(9999, 12, 31, 23, 0, 0, 0, time.FixedZone("", -2*60*60)) }), "expirytime: its year"},
		{"year 0", with(func(e *Event) { e.Time = time.Date(0, 12, 31, 0, 0, 0, 0, time.UTC) }), "time: its year"},
		{"broken JSON", with(func(e *Event) { e.Data = []byte(`{"a":SECRET}`) }), "data: not JSON: at byte 5 a value is expected here"},
		{"cut JSON", with(func(e *Event) { e.Data = []byte(`{"a":"SECRET`) }), "data: not JSON: at byte 12 the text ends within a string"},
		{"two values", with(func(e *Event) { e.Data = []byte(`1 "SECRET"`) }), "data: more follows the JSON value at byte 2"},
		{"injection", with(func(e *Event) { e.Data = []byte(`1,"id":"SECRET"`) }), "data: more follows the JSON value at byte 1"},
		{"white space", with(func(e *Event) { e.Data = []byte("  ") }), "data: not JSON: at byte 2"},
		{"JSON that is not UTF-8", with(func(e *Event) { e.Data = []byte("\"SECRET\xff\"") }), "data: not JSON: at byte 7 a string is not valid UTF-8"},
		{"deep JSON", with(func(e *Event) { e.Data = []byte(strings.Repeat("[", 1001) + strings.Repeat("]", 1001)) }), "nested deeper than 1000"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := Append([]byte("before"), test.event)
			if err == nil || !strings.HasPrefix(err.Error(), "encode event: ") || !strings.Contains(err.Error(), test.want) {
				t.Fatalf("error %v, want one with %q", err, test.want)
			}
			if strings.Contains(err.Error(), secret) {
				t.Errorf("the error repeats the value: %v", err)
			}
			if string(got) != "before" {
				t.Errorf("dst came back as %q", got)
			}
		})
	}
}
