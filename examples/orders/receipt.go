package orders

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"text/template"

	"github.com/longshore-dev/longshore/runtime"
)

var receipt = template.Must(template.New("receipt").Funcs(template.FuncMap{
	"money": func(cents int) string { return fmt.Sprintf("%d.%02d", cents/100, cents%100) },
}).Parse(`Receipt for order {{.Order.Number}}

Customer  {{printf "%q" .Order.Customer}}
Placed    {{.Order.Placed.UTC.Format "2006-01-02 15:04:05 UTC"}}
Paid      {{money .Order.Cents}} EUR
Payment   {{.Payment}}
`))

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
	var text bytes.Buffer
	if err := receipt.Execute(&text, paid); err != nil {
		return fmt.Errorf("render the receipt of order %s: %w", paid.Order.Number, err)
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
	_, err = file.Write(text.Bytes())
	if err == nil {
		err = file.Sync() // the task is acknowledged after this
	}
	if err = errors.Join(err, file.Close()); err != nil {
		return err
	}
	return os.Rename(file.Name(), path)
}
