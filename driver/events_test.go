package driver_test

import (
	"slices"
	"testing"

	"github.com/longshore-dev/longshore/driver"
)

func TestEventAttribute(t *testing.T) {
	for name, want := range map[string]string{
		"ce-id": "id", "CE_Type": "Type", "cloudEvents:source": "source", "cloudEvents_time": "time",
		"Content-Type": "datacontenttype", "dataContentType": "datacontenttype",
		"ce-": "", "cents": "", "tenant": "", "": "", "cloudEvents": "",
	} {
		got, ok := driver.EventAttribute(name)
		if got != want || ok != (want != "") {
			t.Errorf("%q stands for %q, %v; want %q", name, got, ok, want)
		}
	}
}

func TestExpendable(t *testing.T) {
	got := driver.Expendable(map[string]int{"ce-id": 0, "tenant": 0, "Content-Type": 0, "area": 0, "ce-type": 0})
	if want := []string{"area", "tenant", "Content-Type", "ce-id", "ce-type"}; !slices.Equal(got, want) {
		t.Errorf("the order is %q; want %q", got, want)
	}
}
