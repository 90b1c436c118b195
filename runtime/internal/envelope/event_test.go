package envelope

import "testing"

func TestIsJSON(t *testing.T) {
	for contentType, want := range map[string]bool{
		"":                                  true,
		"application/json":                  true,
		"Application/JSON":                  true,
		"application/json; charset=utf-8":   true,
		" application/json ;charset=utf-8":  true,
		"text/json":                         true,
		"application/vnd.orders+json":       true,
		"application/vnd.orders+JSON; v=1":  true,
		"application/cloudevents+json":      true,
		"application/json5":                 false,
		"application/jsonp":                 false,
		"application/x-json":                false,
		"application/octet-stream":          false,
		"application/protobuf":              false,
		"text/plain; note=application/json": false,
		"text/plain;+json":                  false,
		"json":                              false,
		"+json":                             false,
		"/json":                             false,
		";":                                 false,
		" ":                                 false,
	} {
		if got := IsJSON(contentType); got != want {
			t.Errorf("IsJSON(%q) = %v, want %v", contentType, got, want)
		}
	}
}
