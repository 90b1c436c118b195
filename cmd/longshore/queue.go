package main

import (
	"context"
	"errors"

	_ "github.com/longshore-dev/longshore/drivers/mem"        // mem://
	_ "github.com/longshore-dev/longshore/drivers/pubsub"     // pubsub://
	_ "github.com/longshore-dev/longshore/drivers/servicebus" // servicebus://
	_ "github.com/longshore-dev/longshore/drivers/sqs"        // sqs://
	"github.com/longshore-dev/longshore/runtime"
)

// opener opens a queue by its settings.
type opener func(ctx context.Context, s *runtime.QueueSettings) (runtime.QueueInfo, error)

// byURL is the opener of commands.
func byURL(ctx context.Context, s *runtime.QueueSettings) (runtime.QueueInfo, error) {
	return s.Open(ctx)
}

// openQueues opens the queues of a command. The command is named in its hint.
func openQueues(ctx context.Context, open opener, settings []runtime.QueueSettings, command string) (*runtime.Queues, error) {
	queues := new(runtime.Queues)
	for i := range settings {
		info, err := open(ctx, &settings[i])
		if err != nil {
			return nil, &usageError{errors.Join(err, queues.Close(ctx)), command + " --help lists the queue URLs and their parameters"}
		}
		if err := queues.Add(info); err != nil {
			return nil, &usageError{errors.Join(err, info.Driver.Close(ctx), queues.Close(ctx)), ""}
		}
	}
	return queues, nil
}
