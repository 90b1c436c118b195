package orders

import (
	"cmp"
	"errors"
	"net/url"
	"os"
)

// Settings are what the handlers need to know beside their queues.
type Settings struct {
	// Payments is the URL of the payment server, such as http://localhost:9090.
	Payments string
	// Receipts is the directory that receipts are written to.
	Receipts string
}

// FromEnvironment reads PAYMENTS_URL, default http://127.0.0.1:9090, and RECEIPTS_DIR,
// default receipts. An error names the variable that is wrong.
func FromEnvironment() (Settings, error) {
	s := Settings{
		Payments: cmp.Or(os.Getenv("PAYMENTS_URL"), "http://127.0.0.1:9090"),
		Receipts: cmp.Or(os.Getenv("RECEIPTS_DIR"), "receipts"),
	}
	u, err := url.Parse(s.Payments)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil {
		return Settings{}, errors.New("PAYMENTS_URL is no URL such as http://127.0.0.1:9090, without a user; correct it")
	}
	return s, nil
}
