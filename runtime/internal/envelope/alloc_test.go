//go:build !race

package envelope

import "testing"

// The race detector changes what allocates, so these run without it.

func TestAllocAppend(t *testing.T) {
	plain, binary, escaped := benchEvent(), benchEvent(), benchEvent()
	binary.DataContentType = "application/octet-stream"
	escaped.Subject = `"\é€😀`
	for name, e := range map[string]*Event{"JSON": plain, "binary": binary, "escapes": escaped} {
		if n := testing.AllocsPerRun(100, func() { _, _ = Append(nil, e) }); n > 1 {
			t.Errorf("%s: %v allocations into no buffer, want 1", name, n)
		}
		dst := make([]byte, 0, Size(e))
		if n := testing.AllocsPerRun(100, func() { _, _ = Append(dst, e) }); n > 0 {
			t.Errorf("%s: %v allocations into a buffer of Size, want none", name, n)
		}
	}
}

func TestAllocDecode(t *testing.T) {
	tests := []struct {
		name       string
		body       string
		first      float64 // into an empty event: the strings
		afterwards float64 // into the same event
	}{
		{"the least", event(``), 3, 0},
		{"JSON", event(`,"datacontenttype":"application/json","time":"2025-06-01T12:00:00+02:00","data":{"a":[1,"\n"]}`), 4, 0},
		{"escapes", event(`,"subject":"\u20ac\"\ud83d\ude00"`), 4, 0},
		{"text", event(`,"datacontenttype":"text/plain","data":"plain"`), 4, 0},
		{"text with escapes", event(`,"datacontenttype":"text/plain","data":"\n"`), 5, 1},
		{"base64", event(`,"datacontenttype":"x/y","data_base64":"AP/+"`), 5, 1},
		{"unknown members", event(`,"a":{"b":[1,2]},"\u0061b":"\n"`), 3, 0},
	}
	for _, test := range tests {
		body := []byte(test.body)
		if n := testing.AllocsPerRun(100, func() {
			var e Event
			if err := Decode(body, &e); err != nil {
				t.Fatal(err)
			}
		}); n > test.first {
			t.Errorf("%s: %v allocations, want %v", test.name, n, test.first)
		}
		var e Event
		if n := testing.AllocsPerRun(100, func() {
			if err := Decode(body, &e); err != nil {
				t.Fatal(err)
			}
		}); n > test.afterwards {
			t.Errorf("%s: %v allocations into the same event, want %v", test.name, n, test.afterwards)
		}
	}
}

func TestAllocDecodeBinary(t *testing.T) {
	attributes := map[string]string{
		"ce-specversion": "1.0", "ce-id": "1", "ce-source": "s", "ce-type": "t",
		"ce-time": "2025-06-01T12:00:00Z", "Content-Type": "application/json",
	}
	body := []byte("{}")
	var e Event
	if n := testing.AllocsPerRun(100, func() { _, _ = DecodeBinary(attributes, body, &e) }); n > 0 {
		t.Errorf("%v allocations, want none", n)
	}
}

func TestAllocLooksLikeEvent(t *testing.T) {
	body := []byte(`{"\u0061":[{"b":"\n"}],"specversion":"1.0"}`)
	if n := testing.AllocsPerRun(100, func() { LooksLikeEvent(body) }); n > 0 {
		t.Errorf("%v allocations, want none", n)
	}
}
