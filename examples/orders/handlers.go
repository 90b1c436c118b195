package orders

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/longshore-dev/longshore/runtime"
)

// attemptTime is how long one attempt at a task may take. It is below what hosts
// allow that bound it: a Lambda function's timeout, the ack deadline of a push
// subscription.
const attemptTime = 20 * time.Second

// NewMux makes the handlers of both kinds. They enqueue by client, and call the
// payment server by web. The kinds have no retry policy of their own: it is the
// queue's, from the configuration, so that they also run where the host puts failed
// tasks off and not they.
func NewMux(client *runtime.Client, web *http.Client, s Settings, logger *slog.Logger) *runtime.Mux {
	mux := runtime.NewMux(&runtime.MuxOptions{Logger: logger})
	charge := charger{client: client, payments: &paymentServer{web: web, url: s.Payments}}
	runtime.Handle(mux, charge.handle, runtime.Timeout(attemptTime))
	confirm := confirmer{dir: s.Receipts}
	runtime.Handle(mux, confirm.handle, runtime.Timeout(attemptTime))
	return mux
}

// charger takes an order's money.
type charger struct {
	client   *runtime.Client
	payments *paymentServer
}

// handle may run twice for an order, as any handler may: then the payment server
// answers by the task's id with the payment that it has, and the second receipt is
// the same task as the first.
func (c *charger) handle(ctx context.Context, t *runtime.Task[ChargePayment]) error {
	order := t.Args.Order
	if err := order.Check(); err != nil {
		return runtime.Permanent(err)
	}
	payment, err := c.payments.charge(ctx, t.ID, &order)
	if err != nil {
		return err
	}
	_, err = runtime.Enqueue(ctx, c.client, ConfirmOrder{order, payment}, runtime.ID(confirmID(&order)))
	return err
}

// confirmer writes an order's receipt.
type confirmer struct{ dir string }

func (c *confirmer) handle(_ context.Context, t *runtime.Task[ConfirmOrder]) error {
	if err := t.Args.Order.Check(); err != nil {
		return runtime.Permanent(err)
	}
	return writeReceipt(c.dir, t.ID, &t.Args)
}
