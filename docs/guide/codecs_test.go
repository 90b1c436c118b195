package guide_test

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"testing"

	"github.com/longshore-dev/longshore/runtime"
	"github.com/longshore-dev/longshore/runtime/runtimetest"
)

// xmlCodec encodes arguments as XML.
type xmlCodec struct{}

func (xmlCodec) ContentType() string           { return "application/xml" }
func (xmlCodec) Marshal(v any) ([]byte, error) { return xml.Marshal(v) }

func (xmlCodec) Unmarshal(data []byte, v any) error {
	if xml.Unmarshal(data, v) != nil {
		return errors.New("no XML of this type") // without the data: it goes to logs
	}
	return nil
}

func xmlMux() *runtime.Mux {
	mux := runtime.NewMux(&runtime.MuxOptions{Codecs: []runtime.Codec{xmlCodec{}}}) // and JSON still
	runtime.Handle(mux, func(_ context.Context, t *runtime.Task[SendMail]) error {
		data, contentType := t.Payload()
		fmt.Printf("%s: %s\n", contentType, data)
		return nil
	})
	return mux
}

func TestCodecsPage(t *testing.T) {
	prints(t, "codecs.md", func(t *testing.T) {
		kit := runtimetest.New(t, nil)
		enqueue(t, kit, SendMail{"ann@example.com"})
		client, err := runtime.NewClient(kit.Queues(), &runtime.ClientOptions{Codec: xmlCodec{}})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := runtime.Enqueue(t.Context(), client, SendMail{"bob@example.com"}); err != nil {
			t.Fatal(err)
		}
		kit.Drain(t, xmlMux(), nil)
	})
}
