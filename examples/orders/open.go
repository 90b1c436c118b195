package orders

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/longshore-dev/longshore/runtime"
)

// Open opens the queues of a configuration file, with a client on them. The program
// imports the driver of each scheme in it. Close Config.Queues at the end.
func Open(ctx context.Context, path string) (*runtime.Config, *runtime.Client, error) {
	if path == "" {
		return nil, nil, errors.New("no configuration file is given; sqs.yaml is one")
	}
	config, err := runtime.OpenConfig(ctx, path)
	if err != nil {
		return nil, nil, err
	}
	client, err := runtime.NewClient(config.Queues, config.ClientOptions())
	if err != nil {
		return nil, nil, errors.Join(err, config.Queues.Close(context.WithoutCancel(ctx)))
	}
	return config, client, nil
}

// Web is the client by which the handlers call the payment server.
func Web() *http.Client {
	return &http.Client{
		Timeout:       10 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, // money goes to one place
	}
}
