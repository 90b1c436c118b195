package envelope

import (
	"bytes"
	"encoding/json"
	"testing"
	"time"

	cloudevents "github.com/cloudevents/sdk-go/v2/event"
)

// interop are events that the CloudEvents SDK for Go must read and write as we
// do. It does not count media types such as application/x+json as JSON, which
// the JSON event format does, so those are not among them.
func interop() map[string]*Event {
	at := time.Date(2025, 6, 1, 12, 0, 0, 123456789, time.UTC)
	return map[string]*Event{
		"the least": with(func(e *Event) {}),
		"everything": {
			ID: "01JDGZ8Y3M4Q7T1W5X9B2C6D8F", Source: "https://example.com/a?b=c#d", Type: "com.example.made", Subject: "orders/1",
			Time: at, Expiry: at.Add(time.Hour), PartitionKey: "customer 7",
			TraceParent: []byte("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"), TraceState: "a=b,c=d",
			DataRef: "https://example.com/blob", DataContentType: "application/json", Data: []byte(`{"a":[1,2.5,null,true,"x"]}`),
		},
		"compressed": with(func(e *Event) {
			e.DataContentType, e.DecodedContentType, e.Data = "application/zstd", "application/json", allBytes()
		}),
		"JSON by default":     with(func(e *Event) { e.Data = []byte(`{"a":1}`) }),
		"parameters":          with(func(e *Event) { e.DataContentType, e.Data = "application/json; charset=utf-8", []byte(`[]`) }),
		"text/json":           with(func(e *Event) { e.DataContentType, e.Data = "text/json", []byte(`"a\u00e9\n"`) }),
		"null":                with(func(e *Event) { e.DataContentType, e.Data = "application/json", []byte(`null`) }),
		"number":              with(func(e *Event) { e.DataContentType, e.Data = "application/json", []byte(`-0.5e-3`) }),
		"string":              with(func(e *Event) { e.DataContentType, e.Data = "application/json", []byte(`"\ud83d\ude00 é"`) }),
		"text":                with(func(e *Event) { e.DataContentType, e.Data = "text/plain", []byte("a \"b\" \\ é€😀\n\t") }),
		"XML":                 with(func(e *Event) { e.DataContentType, e.Data = "application/xml", []byte(`<much wow="xml"/>`) }),
		"binary":              with(func(e *Event) { e.DataContentType, e.Data = "application/octet-stream", allBytes() }),
		"a type without data": with(func(e *Event) { e.DataContentType = "application/protobuf" }),
		"escapes and Unicode": with(func(e *Event) {
			e.ID, e.Type, e.Subject, e.PartitionKey = `a"b\c/d`, "é€😀", "<&>\u2028x", "ключ"
		}),
		"a source with escapes": with(func(e *Event) { e.Source = "/a%20b/%C3%A9" }),
		"a time of early days":  with(func(e *Event) { e.Time = time.Date(1, 1, 1, 0, 0, 1, 0, time.UTC) }),
		"a time far ahead":      with(func(e *Event) { e.Time = time.Date(9999, 12, 31, 23, 59, 59, 999999999, time.UTC) }),
		"a time elsewhere":      with(func(e *Event) { e.Time = at.In(east) }),
	}
}

func allBytes() []byte {
	b := make([]byte, 256)
	for i := range b {
		b[i] = byte(i)
	}
	return b
}

func TestTheSDKReadsOurs(t *testing.T) {
	for name, e := range interop() {
		t.Run(name, func(t *testing.T) {
			body, err := Append(nil, e)
			if err != nil {
				t.Fatal(err)
			}
			var theirs cloudevents.Event
			if err := json.Unmarshal(body, &theirs); err != nil {
				t.Fatalf("%v: %s", err, body)
			}
			if err := theirs.Validate(); err != nil {
				t.Errorf("the SDK finds the event invalid: %v", err)
			}
			compare(t, e, &theirs)
		})
	}
}

func TestWeReadTheSDKs(t *testing.T) {
	for name, e := range interop() {
		t.Run(name, func(t *testing.T) {
			theirs := toSDK(t, e)
			theirs.SetDataSchema("https://example.com/schema")
			theirs.SetExtension("number", 7)
			theirs.SetExtension("truth", true)
			theirs.SetExtension("bytes", []byte{0, 1})
			body, err := json.Marshal(theirs)
			if err != nil {
				t.Fatal(err)
			}
			var ours Event
			if err := Decode(body, &ours); err != nil {
				t.Fatalf("%v: %s", err, body)
			}
			compare(t, &ours, &theirs)
			compare(t, e, &theirs)
		})
	}
}

// The SDK writes text that is not marked as binary as a JSON string.
func TestWeReadTextOfTheSDK(t *testing.T) {
	text := "a \"b\" \\ é€😀 \n\t\x00 <&>\u2028"
	theirs := toSDK(t, with(func(e *Event) {}))
	if err := theirs.SetData("text/plain; charset=utf-8", text); err != nil {
		t.Fatal(err)
	}
	theirs.DataBase64 = false
	body, err := json.Marshal(theirs)
	if err != nil {
		t.Fatal(err)
	}
	var ours Event
	if err := Decode(body, &ours); err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	if string(ours.Data) != text {
		t.Errorf("read %q, want %q", ours.Data, text)
	}
	compare(t, &ours, &theirs)
}

func toSDK(t *testing.T, e *Event) cloudevents.Event {
	t.Helper()
	theirs := cloudevents.New()
	theirs.SetID(e.ID)
	theirs.SetSource(e.Source)
	theirs.SetType(e.Type)
	if e.Subject != "" {
		theirs.SetSubject(e.Subject)
	}
	if !e.Time.IsZero() {
		theirs.SetTime(e.Time)
	}
	for name, value := range extensions(e) {
		theirs.SetExtension(name, value)
	}
	switch {
	case len(e.Data) == 0 && e.DataContentType != "":
		theirs.SetDataContentType(e.DataContentType)
	case len(e.Data) == 0:
	case IsJSON(e.DataContentType):
		if e.DataContentType != "" {
			theirs.SetDataContentType(e.DataContentType)
		}
		theirs.DataEncoded = e.Data
	default:
		if err := theirs.SetData(e.DataContentType, e.Data); err != nil {
			t.Fatal(err)
		}
		theirs.DataBase64 = true
	}
	if err := theirs.Validate(); err != nil {
		t.Fatal(err)
	}
	return theirs
}

func extensions(e *Event) map[string]string {
	all := map[string]string{
		"dataref": e.DataRef, "partitionkey": e.PartitionKey,
		"traceparent": string(e.TraceParent), "tracestate": e.TraceState, "decodedcontenttype": e.DecodedContentType,
	}
	if !e.Expiry.IsZero() {
		all["expirytime"] = e.Expiry.UTC().Format(time.RFC3339Nano)
	}
	for name, value := range all {
		if value == "" {
			delete(all, name)
		}
	}
	return all
}

func compare(t *testing.T, ours *Event, theirs *cloudevents.Event) {
	t.Helper()
	for _, pair := range []struct{ name, ours, theirs string }{
		{"specversion", "1.0", theirs.SpecVersion()},
		{"id", ours.ID, theirs.ID()},
		{"source", ours.Source, theirs.Source()},
		{"type", ours.Type, theirs.Type()},
		{"subject", ours.Subject, theirs.Subject()},
		{"datacontenttype", ours.DataContentType, theirs.DataContentType()},
	} {
		if pair.ours != pair.theirs {
			t.Errorf("%s: ours %q, theirs %q", pair.name, pair.ours, pair.theirs)
		}
	}
	if !ours.Time.Equal(theirs.Time()) {
		t.Errorf("time: ours %v, theirs %v", ours.Time, theirs.Time())
	}
	if !bytes.Equal(ours.Data, theirs.Data()) {
		t.Errorf("data: ours %q, theirs %q", ours.Data, theirs.Data())
	}
	got := theirs.Extensions()
	for _, name := range []string{"number", "truth", "bytes"} {
		delete(got, name)
	}
	want := extensions(ours)
	if len(got) != len(want) {
		t.Errorf("extensions: ours %v, theirs %v", want, got)
	}
	for name, value := range want {
		if got[name] != value {
			t.Errorf("%s: ours %q, theirs %v", name, value, got[name])
		}
	}
}
