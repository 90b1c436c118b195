package envelope

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"
)

// event is an event's text with the members that are required, and rest.
func event(rest string) string {
	return `{"specversion":"1.0","id":"1","source":"s","type":"t"` + rest + `}`
}

func TestDecodeReads(t *testing.T) {
	noon := time.Date(2025, 6, 1, 12, 0, 0, 0, time.UTC)
	tests := []struct {
		name string
		body string
		want *Event
	}{
		{"the least", event(``), with(func(e *Event) {})},
		{"any order, any white space", " {\r\n\t\"data\" : [ 1 ] , \"type\":\"t\",\"id\":\"1\" ,\"source\"\n:\"s\",\"specversion\":\"1.0\" } \n",
			with(func(e *Event) { e.Data = []byte("[ 1 ]") })},
		{"everything", event(`,"subject":"sub","time":"2025-06-01T12:00:00Z","expirytime":"2025-06-01T14:00:00+02:00",` +
			`"partitionkey":"p","traceparent":"tp","tracestate":"ts","dataref":"ref","decodedcontenttype":"d","datacontenttype":"application/json","data":{"a":1}`),
			&Event{
				ID: "1", Source: "s", Type: "t", Subject: "sub", Time: noon, Expiry: noon, PartitionKey: "p",
				TraceParent: []byte("tp"), TraceState: "ts", DataRef: "ref", DecodedContentType: "d", DataContentType: "application/json", Data: []byte(`{"a":1}`),
			}},
		{"escapes", event(`,"subject":"\"\\\/é\u20ac\uD83D\ude00é"`), with(func(e *Event) { e.Subject = `"\/é€😀é` })},
		{"an escaped member name", event(`,"sub\u006aect":"x"`), with(func(e *Event) { e.Subject = "x" })},
		{"an escaped version", `{"specversion":"1\u002e0","id":"1","source":"s","type":"t"}`, with(func(e *Event) {})},
		{"null members", event(`,"subject":null,"time":null,"expirytime":null,"dataref":null,"datacontenttype":null,"data_base64":null`),
			with(func(e *Event) {})},
		{"an empty optional member", event(`,"subject":"","datacontenttype":""`), with(func(e *Event) {})},
		{"unknown members", event(`,"a":1,"b":-0.5e+3,"c":true,"d":false,"e":null,"f":"x\ud800","g":[{}, []],"h":{"id":"2","x":{}},"":0,"a":2,"\ud800":1,"Id":3`),
			with(func(e *Event) {})},
		{"number", event(`,"data":-12.5E-7`), with(func(e *Event) { e.Data = []byte("-12.5E-7") })},
		{"zero", event(`,"data":0`), with(func(e *Event) { e.Data = []byte("0") })},
		{"boolean", event(`,"data": true`), with(func(e *Event) { e.Data = []byte("true") })},
		{"null data is data", event(`,"data":null`), with(func(e *Event) { e.Data = []byte("null") })},
		{"a JSON string is not unquoted", event(`,"data":"a\n"`), with(func(e *Event) { e.Data = []byte(`"a\n"`) })},
		{"half a surrogate pair is the codec's business", event(`,"data":"\ud800"`), with(func(e *Event) { e.Data = []byte(`"\ud800"`) })},
		{"+json", event(`,"data":{},"datacontenttype":"application/x+json;v=2"`),
			with(func(e *Event) { e.DataContentType, e.Data = "application/x+json;v=2", []byte("{}") })},
		{"text before its type", event(`,"data":"a\tb\u0000é","datacontenttype":"text/plain"`),
			with(func(e *Event) { e.DataContentType, e.Data = "text/plain", []byte("a\tb\x00é") })},
		{"text without escapes", event(`,"datacontenttype":"text/plain","data":"plain"`),
			with(func(e *Event) { e.DataContentType, e.Data = "text/plain", []byte("plain") })},
		{"empty text", event(`,"datacontenttype":"text/plain","data":""`),
			with(func(e *Event) { e.DataContentType = "text/plain" })},
		{"null text", event(`,"datacontenttype":"text/plain","data":null`),
			with(func(e *Event) { e.DataContentType = "text/plain" })},
		{"base64", event(`,"data_base64":"AP/+"`), with(func(e *Event) { e.Data = []byte{0, 0xff, 0xfe} })},
		{"base64 with escaped slashes", event(`,"data_base64":"AP\/+"`), with(func(e *Event) { e.Data = []byte{0, 0xff, 0xfe} })},
		{"base64 of JSON", event(`,"data_base64":"e30=","datacontenttype":"application/json"`),
			with(func(e *Event) { e.DataContentType, e.Data = "application/json", []byte("{}") })},
		{"empty base64", event(`,"data_base64":""`), with(func(e *Event) {})},
		{"base64 beside null data", event(`,"data":null,"data_base64":"aGk="`), with(func(e *Event) { e.Data = []byte("hi") })},
		{"data beside null base64", event(`,"data":1,"data_base64":null`), with(func(e *Event) { e.Data = []byte("1") })},
		{"deep", event(`,"data":` + strings.Repeat("[", 999) + strings.Repeat("]", 999)),
			with(func(e *Event) { e.Data = []byte(strings.Repeat("[", 999) + strings.Repeat("]", 999)) })},
		{"deep objects", event(`,"data":` + strings.Repeat(`{"":`, 999) + "0" + strings.Repeat("}", 999)),
			with(func(e *Event) { e.Data = []byte(strings.Repeat(`{"":`, 999) + "0" + strings.Repeat("}", 999)) })},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := Event{Subject: "left over", Data: []byte("left over"), Time: noon}
			if err := Decode([]byte(test.body), &got); err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(&got, test.want) {
				t.Errorf("got  %+v\nwant %+v", &got, test.want)
			}
			if !json.Valid([]byte(test.body)) {
				t.Error("encoding/json does not take it")
			}
			if !LooksLikeEvent([]byte(test.body)) {
				t.Error("it does not look like an event")
			}
		})
	}
}

func TestDecodeRefuses(t *testing.T) {
	// Every bad value has this in it, and no error may.
	const secret = "SECRET"
	long := strings.Repeat("x", 1025)
	tests := []struct {
		name string
		body string
		want string
	}{
		{"nothing", ``, "at byte 0: a JSON object is expected here"},
		{"not JSON", `SECRET`, "at byte 0: a JSON object is expected here"},
		{"an array", `["SECRET"]`, "at byte 0: a JSON object is expected here"},
		{"a byte order mark", "\ufeff" + event(``), "at byte 0: a JSON object is expected here"},
		{"empty object", `{}`, "specversion is missing"},
		{"no specversion", `{"id":"1","source":"s","type":"t"}`, "specversion is missing"},
		{"null specversion", `{"specversion":null,"id":"1","source":"s","type":"t"}`, "specversion is missing"},
		{"old specversion", `{"specversion":"0.3","id":"1","source":"s","type":"t"}`, `specversion at byte 15: only version "1.0" can be read`},
		{"foreign specversion", `{"specversion":"SECRET","id":"1","source":"s","type":"t"}`, `only version "1.0" can be read`},
		{"specversion as a number", `{"specversion":1.0,"id":"1","source":"s","type":"t"}`, "specversion at byte 15: it is not a string"},
		{"no id", `{"specversion":"1.0","source":"s","type":"t"}`, "id is missing or empty"},
		{"empty id", `{"specversion":"1.0","id":"","source":"s","type":"t"}`, "id is missing or empty"},
		{"null id", `{"specversion":"1.0","id":null,"source":"s","type":"t"}`, "id is missing or empty"},
		{"no source", `{"specversion":"1.0","id":"1","type":"t"}`, "source is missing or empty"},
		{"no type", `{"specversion":"1.0","id":"1","source":"s"}`, "type is missing or empty"},
		{"other case", `{"specversion":"1.0","ID":"1","source":"s","type":"t"}`, "id is missing or empty"},
		{"id as a number", `{"specversion":"1.0","id":1,"source":"s","type":"t"}`, "id at byte 26: it is not a string"},
		{"subject as an object", event(`,"subject":{"SECRET":1}`), "subject at byte 64: it is not a string"},
		{"base64 as a number", event(`,"data_base64":1`), "data_base64 at byte 68: it is not a string"},
		{"id twice", event(`,"id":"SECRET"`), "id at byte 59: it comes twice"},
		{"null, then again", event(`,"subject":null,"subject":"SECRET"`), "subject at byte 79: it comes twice"},
		{"data twice", event(`,"data":1,"data":"SECRET"`), "data at byte 70: it comes twice"},
		{"twice, once escaped", event(`,"\u0069d":"SECRET"`), "id at byte 64: it comes twice"},
		{"specversion twice", event(`,"specversion":"1.0"`), "specversion at byte 68: it comes twice"},
		{"data and base64", event(`,"data":"SECRET","data_base64":"aGk="`), "data at byte 61: it stands beside data_base64"},
		{"base64 and data", event(`,"data_base64":"","data":"SECRET"`), "it stands beside data_base64"},
		{"bad base64", event(`,"data_base64":"SECRET!"`), "data_base64 at byte 68: it is not base64"},
		{"base64 without padding", event(`,"data_base64":"aGk"`), "data_base64 at byte 68: it is not base64"},
		{"base64 with half a surrogate pair", event(`,"data_base64":"aGk=\ud800"`), "data_base64 at byte 68: it is not base64"},
		{"an object as text", event(`,"datacontenttype":"text/plain","data":{"SECRET":1}`), "it is not a string although datacontenttype is not JSON"},
		{"text with half a surrogate pair", event(`,"datacontenttype":"text/plain","data":"SECRET\udc00"`), "data at byte 92: it has half a surrogate pair"},
		{"bad time", event(`,"time":"SECRET"`), "time at byte 61: it is not an RFC 3339 time"},
		{"empty time", event(`,"time":""`), "time at byte 61: it is not an RFC 3339 time"},
		{"bad expiry", event(`,"expirytime":"2025-02-29T00:00:00Z"`), "expirytime at byte 67: it is not an RFC 3339 time"},
		{"time as a number", event(`,"time":1700000000`), "time at byte 61: it is not a string"},
		{"long id", `{"specversion":"1.0","id":"` + long + `","source":"s","type":"t"}`, "id at byte 26: 1025 bytes exceed 1024"},
		{"long source", `{"specversion":"1.0","id":"1","source":"` + long + `","type":"t"}`, "source at byte 39: 1025 bytes exceed 1024"},
		{"long type", `{"specversion":"1.0","id":"1","source":"s","type":"` + long + `"}`, "type at byte 50: 1025 bytes exceed 1024"},
		{"escaped control character", event(`,"subject":"SECRET\n"`), "subject at byte 64: it has a control character"},
		{"DEL", event(",\"subject\":\"SECRET\x7f\""), "subject at byte 64: it has a control character"},
		{"escaped C1 control", event(`,"subject":"SECRET\u0080"`), "subject at byte 64: it has a control character"},
		{"noncharacter", event(`,"subject":"SECRET\uffff"`), "subject at byte 64: it has a Unicode noncharacter"},
		{"half a surrogate pair", event(`,"subject":"SECRET\ud83d"`), "subject at byte 64: it has half a surrogate pair"},
		{"two high surrogates", event(`,"subject":"\ud83d\ud83d"`), "subject at byte 64: it has half a surrogate pair"},
		{"surrogates in the wrong order", event(`,"subject":"\ude00\ud83d"`), "subject at byte 64: it has half a surrogate pair"},
		{"raw control character", event(",\"subject\":\"SECRET\n\""), "subject at byte 71: a control character in a string is not escaped"},
		{"raw control character in a name", event(",\"SECRET\x01\":1"), "a control character in a string is not escaped"},
		{"invalid UTF-8", event(",\"subject\":\"SECRET\xff\""), "subject at byte 71: a string is not valid UTF-8"},
		{"invalid UTF-8 in data", event(",\"data\":{\"SECRET\":\"\xc0\xaf\"}"), "data at byte 72: a string is not valid UTF-8"},
		{"a surrogate in UTF-8", event(",\"x\":\"\xed\xa0\x80\""), "a string is not valid UTF-8"},
		{"bad escape", event(`,"subject":"\x"`), "subject at byte 65: an escape is malformed"},
		{"bad hexadecimal", event(`,"x":"\u12G4"`), "an escape is malformed"},
		{"cut escape", event(`,"x":"\u12"`), "an escape is malformed"},
		{"ends in an escape", `{"\`, "an escape is malformed"},
		{"ends in a string", `{"specversion":"1.0","id":"SECRET`, "id at byte 33: the text ends within a string"},
		{"ends in an object", `{"specversion":"1.0","id":"1"`, "at byte 29: a comma or closing brace is expected here"},
		{"ends after a brace", `{`, "at byte 1: a member name is expected here"},
		{"ends after a comma", `{"specversion":"1.0",`, "at byte 21: a member name is expected here"},
		{"ends after a name", `{"specversion"`, "at byte 14: a colon is expected here"},
		{"ends after a colon", `{"specversion":`, "specversion at byte 15: a value is expected here"},
		{"comma before the end", event(`,`), "a member name is expected here"},
		{"comma at the start", `{,"a":1}`, "at byte 1: a member name is expected here"},
		{"no comma", event(` "subject":"x"`), "a comma or closing brace is expected here"},
		{"no colon", event(`,"subject" "SECRET"`), "a colon is expected here"},
		{"a name that is no string", event(`,subject:"SECRET"`), "a member name is expected here"},
		{"leading zero", event(`,"data":01`), "a comma or closing brace is expected here"},
		{"no digits", event(`,"data":-`), "data at byte 62: a digit is expected here"},
		{"no fraction", event(`,"data":1.`), "data at byte 63: a digit is expected here"},
		{"no exponent", event(`,"data":1e+`), "data at byte 64: a digit is expected here"},
		{"plus sign", event(`,"data":+1`), "data at byte 61: a value is expected here"},
		{"not a literal", event(`,"data":nul`), "data at byte 61: a value is expected here"},
		{"a broken null", event(`,"subject":nil`), "subject at byte 64: a value is expected here"},
		{"array without comma", event(`,"data":[1 2]`), "data at byte 64: a comma or closing bracket is expected here"},
		{"array with comma at the end", event(`,"data":[1,]`), "data at byte 64: a value is expected here"},
		{"crossed brackets", event(`,"data":[{]}`), "data at byte 63: a member name is expected here"},
		{"trailing bytes", event(``) + `SECRET`, "at byte 54: more follows the event"},
		{"two events", event(``) + "\n" + event(``), "at byte 55: more follows the event"},
		{"NUL at the end", event(``) + "\x00", "at byte 54: more follows the event"},
		{"too deep", event(`,"data":` + strings.Repeat("[", 1001) + strings.Repeat("]", 1001)), "data at byte 1060: it is nested deeper than 1000"},
		{"much too deep", event(`,"x":` + strings.Repeat(`{"a":`, 5_000_000)), "it is nested deeper than 1000"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			e := minimal()
			err := Decode([]byte(test.body), &e)
			if err == nil || !strings.HasPrefix(err.Error(), "decode event: ") || !strings.Contains(err.Error(), test.want) {
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

// A handler that appends to its payload must not write into what follows it.
func TestDataHasNoRoomToGrow(t *testing.T) {
	for _, rest := range []string{`,"data":[1],"subject":"x"`, `,"datacontenttype":"text/plain","data":"plain","subject":"x"`} {
		body := []byte(event(rest))
		var e Event
		if err := Decode(body, &e); err != nil {
			t.Fatal(err)
		}
		_ = append(e.Data, "overwritten"...)
		if string(body) != event(rest) {
			t.Errorf("the body became %s", body)
		}
	}
}

func TestStringsDoNotShareTheBody(t *testing.T) {
	body := []byte(event(`,"subject":"x"`))
	var e Event
	if err := Decode(body, &e); err != nil {
		t.Fatal(err)
	}
	clear(body)
	if e.ID != "1" || e.Subject != "x" {
		t.Errorf("the event became %+v with its body", e)
	}
}

func TestLooksLikeEvent(t *testing.T) {
	for body, want := range map[string]bool{
		event(``):                  true,
		event(`,"id":"again"`):     true,
		"\n\t " + event(``):        true,
		`{"specversion":"1.0"`:     true,
		`{"specversion":`:          true,
		`{"specversion":"0.3"}`:    true,
		`{"a":[{}],"specversion":`: true,
		`{"\u0073pecversion":1}`:   true,
		`{"specversion"`:           false,
		`{}`:                       false,
		`{"order":1}`:              false,
		`{"a":"specversion"}`:      false,
		`{"a":{"specversion":1}}`:  false,
		`{"a":[1`:                  false,
		`["specversion"]`:          false,
		`"specversion"`:            false,
		`specversion`:              false,
		``:                         false,
		"\x00{\"specversion\":1}":  false,
	} {
		if got := LooksLikeEvent([]byte(body)); got != want {
			t.Errorf("LooksLikeEvent(%q) = %v, want %v", body, got, want)
		}
	}
}
