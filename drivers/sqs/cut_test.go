package sqs_test

import (
	"bytes"
	"io"
	"net/http"
	"testing"
	"time"

	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/longshore-dev/longshore/driver"
)

// halving is an HTTP client whose connection breaks in the middle of each answer.
type halving struct{ awssqs.HTTPClient }

func (c halving) Do(r *http.Request) (*http.Response, error) {
	out, err := c.HTTPClient.Do(r)
	if err != nil {
		return nil, err
	}
	whole, err := io.ReadAll(out.Body)
	if err != nil {
		return nil, err
	}
	out.Body = io.NopCloser(io.MultiReader(bytes.NewReader(whole[:len(whole)/2]), broken{}))
	return out, nil
}

// broken is what is read from a connection that broke.
type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// What was done is not known then, and whoever asks may ask again; what a receive
// would have brought comes back when its hold runs out.
func TestAnAnswerThatBreaksOff(t *testing.T) {
	on(t, "", nil, func(e *env) {
		cut := e.open(awssqs.New(e.client.Options(), func(o *awssqs.Options) { o.HTTPClient = halving{o.HTTPClient} }), *e.url(""))
		e.code("a send", cut.Send(e.Context(), messages(1, 10))[0].Err, driver.Unavailable)
		_, err := cut.Receive(e.Context(), driver.ReceiveOptions{Max: 1, Hold: 10 * time.Second})
		e.code("a receive", err, driver.Unavailable)
		_, err = cut.Policy(e.Context())
		e.code("a policy", err, driver.Unavailable)
		e.receive(0) // it was leased, for nobody
		e.sleep(10 * time.Second)
		if n := e.lease(e.queue, 1)[0].Attempt(); n != 2 {
			e.Errorf("attempt %d; want the second", n)
		}
	})
}
