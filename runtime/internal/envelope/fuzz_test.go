package envelope

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"
)

// FuzzDecode: foreign bytes never panic; what is taken is valid JSON, looks
// like an event, and is the same after another trip.
func FuzzDecode(f *testing.F) {
	f.Add([]byte(event(`,"subject":"\ud83d\ude00","time":"2025-06-01T12:00:00.5+02:00","data":{"a":[1,2.5e-3,null]}`)))
	f.Add([]byte(event(`,"datacontenttype":"text/plain","data":"a\n\u0000"`)))
	f.Add([]byte(event(`,"datacontenttype":"x/y","data_base64":"AP\/+"`)))
	f.Add([]byte(`{"type":"t","specversion":"1.0","x":{"y":[true,false]}, "id":"1","source":"s"} `))
	f.Add([]byte(`[1, "\u00e9", {"a": -0.1E+2}]`))
	f.Fuzz(func(t *testing.T, body []byte) {
		checkScanner(t, body)
		given := bytes.Clone(body)
		var e, slow Event
		err := Decode(body, &e)
		if errSlow := decodeAny(body, &slow); fmt.Sprint(err) != fmt.Sprint(errSlow) || !reflect.DeepEqual(e, slow) {
			t.Fatalf("at once: %+v, %v\nin any form: %+v, %v", e, err, slow, errSlow)
		}
		if !bytes.Equal(body, given) {
			t.Fatalf("the body was changed to %q", body)
		}
		if err != nil {
			return
		}
		if !json.Valid(body) {
			t.Fatal("taken, but not valid JSON")
		}
		if !LooksLikeEvent(body) {
			t.Fatal("taken, but does not look like an event")
		}
		again, err := Append(nil, &e)
		if err != nil {
			// The one thing that is read and not written: data_base64 that its
			// content type calls JSON and that is not.
			var object map[string]json.RawMessage
			if json.Unmarshal(body, &object) == nil && object["data_base64"] != nil && IsJSON(e.DataContentType) {
				return
			}
			t.Fatalf("%+v was read but is not written: %v", e, err)
		}
		if len(again) > Size(&e) {
			t.Fatalf("%d bytes written, Size says %d", len(again), Size(&e))
		}
		var back Event
		if err := Decode(again, &back); err != nil {
			t.Fatalf("%s is written but not read: %v", again, err)
		}
		if IsJSON(e.DataContentType) {
			e.Data = trimSpace(e.Data)
		}
		if !reflect.DeepEqual(e, back) {
			t.Fatalf("read   %+v\nthen   %+v", e, back)
		}
	})
}

// checkScanner compares the scanner with encoding/json on any text.
func checkScanner(t *testing.T, text []byte) {
	_, err := trimJSON(text)
	want := json.Valid(text) && utf8.Valid(text)
	if (err == nil) != want && !deep(text) {
		t.Fatalf("scanner says %v, encoding/json valid and UTF-8: %v", err, want)
	}
}

func deep(text []byte) bool {
	return bytes.Count(text, []byte("["))+bytes.Count(text, []byte("{")) > maxDepth
}

func trimSpace(b []byte) []byte { return bytes.Trim(b, " \t\r\n") }

// FuzzRoundTrip: Append takes an event exactly when it is legal, and what it
// takes comes back.
func FuzzRoundTrip(f *testing.F) {
	f.Add("id", "source", "type", "subject", "", "", "", "", "application/json", []byte(`{"a":1}`), int64(1748779200), int64(500), int64(0))
	f.Add(`"\`, "/é€😀", "a.b", "x", "key", "tp", "ts", "ref", "text/plain", []byte("\x00\xff"), int64(maxTime), int64(999999999), int64(minTime))
	f.Add("a\n", "\x7f", "\u0085", "\xff", "\ufdd0", "\ufffe", "", "", "", []byte(` [1] `), int64(maxTime+1), int64(0), int64(0))
	f.Fuzz(func(t *testing.T, id, source, kind, subject, partition, parent, state, ref, contentType string, payload []byte, seconds, nanos, expiry int64) {
		e := Event{
			ID: id, Source: source, Type: kind, Subject: subject, PartitionKey: partition,
			TraceState: state, DataRef: ref, DecodedContentType: ref, DataContentType: contentType, Data: payload,
		}
		if parent != "" {
			e.TraceParent = []byte(parent)
		}
		// Times far outside make time.Time wrap round.
		const far = 1 << 40
		if seconds != 0 {
			e.Time = time.Unix(seconds%far, nanos%1e9).In(east)
		}
		if expiry != 0 {
			e.Expiry = time.Unix(expiry%far, 0)
		}
		body, err := Append(nil, &e)
		if (err == nil) != legal(&e) {
			t.Fatalf("Append says %v of %+v", err, e)
		}
		if err != nil {
			return
		}
		if !json.Valid(body) || !utf8.Valid(body) {
			t.Fatalf("wrote what is not valid JSON: %q", body)
		}
		if len(body) > Size(&e) {
			t.Fatalf("%d bytes written, Size says %d", len(body), Size(&e))
		}
		var back Event
		if err := Decode(body, &back); err != nil {
			t.Fatalf("%s is written but not read: %v", body, err)
		}
		want := e
		want.Time, want.Expiry = e.Time.UTC(), e.Expiry.UTC()
		if IsJSON(contentType) {
			want.Data = trimSpace(payload)
		}
		if len(want.Data) == 0 {
			want.Data = nil
		}
		if !reflect.DeepEqual(back, want) {
			t.Fatalf("read %+v\nwant %+v", back, want)
		}
	})
}

// legal is what Append promises to take, in the words of the standard library.
func legal(e *Event) bool {
	for _, s := range []string{e.ID, e.Source, e.Type, e.Subject, e.PartitionKey, string(e.TraceParent), e.TraceState, e.DataRef, e.DecodedContentType, e.DataContentType} {
		if !utf8.ValidString(s) || strings.ContainsFunc(s, forbidden) {
			return false
		}
	}
	for _, s := range []string{e.ID, e.Source, e.Type} {
		if s == "" || len(s) > 1024 {
			return false
		}
	}
	for _, t := range []time.Time{e.Time, e.Expiry} {
		if y := t.UTC().Year(); y < 1 || y > 9999 {
			return false
		}
	}
	return len(e.Data) == 0 || !IsJSON(e.DataContentType) || json.Valid(e.Data) && utf8.Valid(e.Data) && !deep(e.Data)
}

func forbidden(r rune) bool {
	return unicode.IsControl(r) || unicode.Is(unicode.Noncharacter_Code_Point, r)
}
