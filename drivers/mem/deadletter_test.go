package mem_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/drivers/mem"
)

func TestCloseEndsMoveAllBetweenTwoMessages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q, err := mem.New("test", nil)
		if err != nil {
			t.Fatal(err)
		}
		q.Send(t.Context(), []driver.Message{{Body: []byte("a")}, {Body: []byte("b")}})
		leases, err := q.Receive(t.Context(), driver.ReceiveOptions{Max: 2})
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range leases {
			q.Settle(t.Context(), []driver.Settlement{{Lease: l, Verdict: driver.Bury, Reason: "test"}})
		}
		moved := make(chan error, 1)
		go func() {
			_, err := q.DeadLetter().MoveAll(t.Context(), driver.MoveOptions{Rate: 1})
			moved <- err
		}()
		synctest.Wait()
		start := time.Now()

		if err := q.Close(t.Context()); err != nil {
			t.Fatal(err)
		}

		if err := <-moved; !driver.Is(err, driver.Closed) || time.Since(start) != 0 {
			t.Errorf("%v after %v; want Closed at once", err, time.Since(start))
		}
	})
}
