package orders

import (
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"

	"github.com/longshore-dev/longshore/runtime"
)

// render is the text of a receipt. It is plain fmt: a program that has text/template,
// which finds methods by their names, is linked with every method there is, and the
// function's file on Lambda is some megabytes larger.
func render(paid *ConfirmOrder) string {
	o := &paid.Order
	return fmt.Sprintf(`Receipt for order %s

Customer  %q
Placed    %s
Paid      %d.%02d EUR
Payment   %s
`, o.Number, o.Customer, o.Placed.UTC().Format("2006-01-02 15:04:05 UTC"), o.Cents/100, o.Cents%100, paid.Payment)
}

// ReceiptSuffix is how the name of each receipt ends.
const ReceiptSuffix = ".txt"

// writeReceipt writes a receipt to dir, under a name that is the task's id. A reader
// sees all of it or nothing: it is written beside its place, then renamed. All runs of
// a task write the same, so one that runs twice has one receipt; one that is there is
// left as it is.
func writeReceipt(dir string, id runtime.TaskID, paid *ConfirmOrder) (err error) {
	path := filepath.Join(dir, url.PathEscape(string(id))+ReceiptSuffix)
	if _, err := os.Stat(path); err == nil || !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	file, err := os.CreateTemp(dir, ".receipt-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(file.Name()) // what is left says nothing wrong
		}
	}()
	_, err = file.WriteString(render(paid))
	if err == nil {
		err = file.Sync() // the task is acknowledged after this
	}
	if err = errors.Join(err, file.Close()); err != nil {
		return err
	}
	return os.Rename(file.Name(), path)
}
