package orders

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/longshore-dev/longshore/runtime"
)

// paymentServer is the payment server as its client sees it. It is safe for
// concurrent use.
type paymentServer struct {
	web *http.Client
	url string
}

// maxAnswer is how much of an answer is read, in bytes.
const maxAnswer = 64 << 10

// charge takes the order's money, once for each key, and answers the payment's id. The
// error says what is to become of the task. It has no more of the order than its
// number, and nothing of the answer but its status.
func (s *paymentServer) charge(ctx context.Context, key runtime.TaskID, o *Order) (string, error) {
	body, err := json.Marshal(map[string]any{"order": o.Number, "cents": o.Cents})
	if err != nil {
		return "", err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url+"/charges", bytes.NewReader(body))
	if err != nil {
		return "", runtime.Permanent(err)
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Idempotency-Key", string(key))
	response, err := s.web.Do(request)
	if err != nil {
		return "", fmt.Errorf("charge order %s: %w", o.Number, err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err != nil {
		return "", fmt.Errorf("charge order %s: read the answer: %w", o.Number, err)
	}
	if err := verdict(response, o.Number); err != nil {
		return "", err
	}
	var payment struct {
		ID string `json:"payment"`
	}
	if json.Unmarshal(answer, &payment) != nil || payment.ID == "" {
		return "", fmt.Errorf("charge order %s: the payment server's answer has no payment", o.Number)
	}
	return payment.ID, nil
}

var errDeclined = errors.New("the payment is declined")

// verdict is what an answer of the payment server means for the task:
//
//   - 2xx: the order is paid;
//   - 402: the task is buried, as asking again changes nothing;
//   - 429: nothing is asked for as long as Retry-After says, and no attempt is burned;
//   - 503 with Retry-After: it is tried again after that;
//   - 408 and other 5xx: it is tried again after the queue's backoff;
//   - anything else is a mistake of ours: it is buried, and redriven once that is mended.
func verdict(r *http.Response, number string) error {
	err := fmt.Errorf("charge order %s: the payment server answers %d", number, r.StatusCode)
	after, asked := retryAfter(r.Header.Get("Retry-After"))
	switch {
	case r.StatusCode >= 200 && r.StatusCode <= 299:
		return nil
	case r.StatusCode == http.StatusPaymentRequired:
		return runtime.Permanent(fmt.Errorf("charge order %s: %w", number, errDeclined))
	case r.StatusCode == http.StatusTooManyRequests:
		return runtime.PauseQueue(after, err)
	case r.StatusCode == http.StatusServiceUnavailable && asked:
		return runtime.RetryAfter(after, err)
	case r.StatusCode >= 500, r.StatusCode == http.StatusRequestTimeout:
		return err
	}
	return runtime.Permanent(err)
}
