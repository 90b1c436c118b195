package orders

import (
	"errors"
	"fmt"
	"regexp"
	"time"

	"github.com/longshore-dev/longshore/runtime"
)

// Order is what a customer has bought.
type Order struct {
	// Number is 1 to 64 letters, digits and dashes. The ids of an order's tasks
	// follow from it, so that an order which is enqueued twice, even on two clouds,
	// is charged once.
	Number   string    `json:"number"`
	Customer string    `json:"customer"` // an e-mail address, not empty
	Cents    int       `json:"cents"`    // above 0
	Placed   time.Time `json:"placed"`
}

var goodNumber = regexp.MustCompile(`^[A-Za-z0-9-]{1,64}$`)

// Check says what is wrong with an order. The error has no more of it than its number.
func (o *Order) Check() error {
	switch {
	case !goodNumber.MatchString(o.Number):
		return errors.New("the order's number is not 1 to 64 letters, digits and dashes")
	case o.Customer == "":
		return fmt.Errorf("order %s has no customer", o.Number)
	case o.Cents <= 0:
		return fmt.Errorf("order %s costs %d cents; it must be above 0", o.Number, o.Cents)
	}
	return nil
}

// ChargePayment is the task that takes an order's money, and has its receipt written.
type ChargePayment struct {
	Order Order `json:"order"`
}

// Kind is what its handler is found by.
func (ChargePayment) Kind() string { return "order.charge" }

// ConfirmOrder is the task that writes the receipt of an order that is paid.
type ConfirmOrder struct {
	Order   Order  `json:"order"`
	Payment string `json:"payment"` // the payment server's own id
}

// Kind is what its handler is found by.
func (ConfirmOrder) Kind() string { return "order.confirm" }

// chargeID and confirmID are the ids of an order's tasks.
func chargeID(o *Order) runtime.TaskID  { return runtime.TaskID("charge-" + o.Number) }
func confirmID(o *Order) runtime.TaskID { return runtime.TaskID("receipt-" + o.Number) }
