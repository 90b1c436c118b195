package gate_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/drivers/internal/gate"
)

func TestCloseWaitsForWhatIsIn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := gate.New()
		if err := g.Enter("op"); err != nil {
			t.Fatal(err)
		}
		g.Join()
		g.Leave() // the call; its part goes on
		short, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := g.Close(short, "close"); !driver.Is(err, driver.DeadlineExceeded) {
			t.Errorf("close with a part still in: %v; want %v", err, driver.DeadlineExceeded)
		}
		if err := g.Enter("op"); !driver.Is(err, driver.Closed) || !g.Closing() {
			t.Errorf("enter after close: %v; want %v", err, driver.Closed)
		}
		closed := make(chan error, 1)
		go func() { closed <- g.Close(t.Context(), "close") }()
		synctest.Wait()
		if len(closed) != 0 {
			t.Error("a second close did not wait")
		}
		g.Leave()
		if err := <-closed; err != nil {
			t.Error(err)
		}
		if err := g.Close(t.Context(), "close"); err != nil {
			t.Errorf("a close of what is closed: %v", err)
		}
	})
}
