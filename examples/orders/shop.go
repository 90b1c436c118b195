package orders

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"time"

	"github.com/longshore-dev/longshore/runtime"
)

// maxLine is the longest line that is an order, in bytes.
const maxLine = 64 << 10

// Read reads orders, one JSON object a line; empty lines are skipped. It ends with the
// first error, which names the line and repeats nothing of it. An order without a time
// was placed now.
func Read(r io.Reader) iter.Seq2[Order, error] {
	return func(yield func(Order, error) bool) {
		lines := bufio.NewScanner(r)
		lines.Buffer(nil, maxLine)
		n := 0
		for lines.Scan() {
			n++
			line := bytes.TrimSpace(lines.Bytes())
			if len(line) == 0 {
				continue
			}
			o := Order{Placed: time.Now()}
			if json.Unmarshal(line, &o) != nil {
				yield(Order{}, fmt.Errorf(`line %d is no order; want {"number":"17","customer":"ann@example.com","cents":990}`, n))
				return
			}
			if err := o.Check(); err != nil {
				yield(Order{}, fmt.Errorf("line %d: %w", n, err))
				return
			}
			if !yield(o, nil) {
				return
			}
		}
		if err := lines.Err(); err != nil {
			yield(Order{}, fmt.Errorf("line %d, of at most %d bytes: %w", n+1, maxLine, err))
		}
	}
}

// Made are n orders with the numbers from first on, for those who have none. Each
// MadeDeclined-th costs more than the payment server of cmd/payments allows.
func Made(first, n int) iter.Seq2[Order, error] {
	return func(yield func(Order, error) bool) {
		for i := first; i < first+n; i++ {
			o := Order{
				Number: fmt.Sprintf("%06d", i), Customer: fmt.Sprintf("customer-%d@example.com", i%1000),
				Cents: 990 + i%50*100, Placed: time.Now(),
			}
			if i%MadeDeclined == 0 {
				o.Cents = 10_000_000
			}
			if !yield(o, nil) {
				return
			}
		}
	}
}

// MadeDeclined is how many made orders there are to one that cannot be paid.
const MadeDeclined = 30

// Place has an order charged and confirmed: it enqueues the first of its tasks. A nil
// error means that the queue has stored it; after another the same order may be placed
// again.
func Place(ctx context.Context, client *runtime.Client, o *Order) error {
	if err := o.Check(); err != nil {
		return err
	}
	if _, err := runtime.Enqueue(ctx, client, ChargePayment{*o}, runtime.ID(chargeID(o))); err != nil {
		return fmt.Errorf("place order %s: %w", o.Number, err)
	}
	return nil
}
