package pubsubfake_test

import (
	"encoding/json"
	"io"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"

	"github.com/longshore-dev/longshore/drivers/pubsub/pubsubfake"
)

// pushOne gives the request by which a message is pushed, half a second after the
// bubble began.
func pushOne(t *testing.T, m *pubsubpb.PubsubMessage, change ...func(*pubsubpb.Subscription)) (header http.Header, body, id string) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := pubsubfake.New(&pubsubfake.Options{PushClient: pubsubfake.HandlerClient(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			all, err := io.ReadAll(r.Body)
			if err != nil || r.Method != http.MethodPost || r.Host != "worker.example.com" || r.RequestURI != "/push" || r.ContentLength != int64(len(all)) {
				t.Errorf("it is %s of %s at %s, %d bytes, error %v", r.Method, r.RequestURI, r.Host, r.ContentLength, err)
			}
			header, body = r.Header, string(all)
		}))})
		defer s.Close()
		e := newEnv(t, s, s.ClientOptions)
		e.topic("dead")
		e.queue("orders", append([]func(*pubsubpb.Subscription){push}, change...)...)
		time.Sleep(500 * time.Millisecond)
		out, err := e.topics.Publish(t.Context(), &pubsubpb.PublishRequest{Topic: topicName("orders"), Messages: []*pubsubpb.PubsubMessage{m}})
		e.must(err)
		id = out.GetMessageIds()[0]
		synctest.Wait()
		e.wantCount("orders", pubsubfake.Count{})
	})
	return header, body, id
}

func TestEnvelope(t *testing.T) {
	tests := []struct {
		name   string
		m      *pubsubpb.PubsubMessage
		change []func(*pubsubpb.Subscription)
		want   string
	}{
		{"data", &pubsubpb.PubsubMessage{Data: []byte("\x00\xffhello")}, nil, `"data":"AP9oZWxsbw==",`},
		{"attributes", &pubsubpb.PubsubMessage{Attributes: map[string]string{"a": `<"é">`}}, nil, `"attributes":{"a":"<\"é\">"},`},
		{"key", &pubsubpb.PubsubMessage{Data: []byte("x"), OrderingKey: "k"}, nil, `"data":"eA==","orderingKey":"k",`},
	}
	for _, tt := range tests {
		for _, dead := range []bool{false, true} {
			change, attempt := tt.change, ""
			if dead {
				change, attempt = append(change, withDead("dead", 5)), `,"deliveryAttempt":1`
			}
			header, body, id := pushOne(t, tt.m, change...)
			want := `{"message":{` + tt.want + `"messageId":"ID","message_id":"ID","publishTime":"2000-01-01T00:00:00.500Z","publish_time":"2000-01-01T00:00:00.500Z"},` +
				`"subscription":"projects/test/subscriptions/orders"` + attempt + `}`
			var got, wanted any
			if err := json.Unmarshal([]byte(body), &got); err != nil {
				t.Errorf("%s: %v", tt.name, err)
			}
			if err := json.Unmarshal([]byte(strings.ReplaceAll(want, "ID", id)), &wanted); err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got, wanted) {
				t.Errorf("%s: the body is %s, want %s", tt.name, body, want)
			}
			if header.Get("Content-Type") != "application/json" || header.Get("User-Agent") != "CloudPubSub-Google" || header.Get("Authorization") != "" {
				t.Errorf("%s: the headers are %v", tt.name, header)
			}
		}
	}
}

func raw(metadata bool) func(*pubsubpb.Subscription) {
	return func(c *pubsubpb.Subscription) {
		c.PushConfig.Wrapper = &pubsubpb.PushConfig_NoWrapper_{NoWrapper: &pubsubpb.PushConfig_NoWrapper{WriteMetadata: metadata}}
	}
}

func TestUnwrapped(t *testing.T) {
	m := func() *pubsubpb.PubsubMessage {
		return &pubsubpb.PubsubMessage{Data: []byte("\x00\xffhello"), OrderingKey: "k", Attributes: map[string]string{
			"color": "réd", "Content-Type": "text/plain", "x-goog-pubsub-message-id": "mine", "authorization": "mine",
			"two words": "x", "line": "a\nb", "": "x",
		}}
	}
	attributed := m()
	delete(attributed.Attributes, "")
	delete(attributed.Attributes, "authorization")
	header, body, id := pushOne(t, attributed, raw(true))
	want := http.Header{
		"Color": {"réd"}, "Content-Type": {"text/plain"}, "User-Agent": {"CloudPubSub-Google"},
		"X-Goog-Pubsub-Subscription-Name": {"projects/test/subscriptions/orders"}, "X-Goog-Pubsub-Message-Id": {id},
		"X-Goog-Pubsub-Publish-Time": {"2000-01-01T00:00:00.500Z"}, "X-Goog-Pubsub-Ordering-Key": {"k"},
	}
	if body != "\x00\xffhello" || !reflect.DeepEqual(header, want) {
		t.Errorf("the body is %q, the headers are %v, want %v", body, header, want)
	}

	attributed = m()
	delete(attributed.Attributes, "")
	header, body, _ = pushOne(t, attributed, raw(false))
	if body != "\x00\xffhello" || !reflect.DeepEqual(header, http.Header{"User-Agent": {"CloudPubSub-Google"}}) {
		t.Errorf("without metadata the body is %q, the headers are %v", body, header)
	}

	attributed = m()
	delete(attributed.Attributes, "")
	header, _, _ = pushOne(t, attributed, token(""), raw(true))
	if got := header["Authorization"]; len(got) != 1 || !strings.HasPrefix(got[0], "Bearer ") {
		t.Errorf("an attribute has taken the token's place: %q", got)
	}
}
