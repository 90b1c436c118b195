package main

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"github.com/longshore-dev/longshore/benchmarks/internal/report"
	"github.com/longshore-dev/longshore/benchmarks/internal/store"
)

// asynqRedis is asynq on a private Redis.
func asynqRedis() contender {
	var server *store.Redis
	return contender{
		name: "asynq", producers: 100,
		does: "JSON, task in Redis without persistence, retry policy, ack after the handler",
		prepare: func(ctx context.Context) (stop func() error, uses report.Library, err error) {
			if server, err = store.StartRedis(ctx); err != nil {
				return nil, uses, err
			}
			return server.Close, report.Library{Name: "Redis", Version: server.Version}, nil
		},
		open: func(ctx context.Context, done func(error)) (*running, error) {
			at := asynq.RedisClientOpt{Network: "unix", Addr: server.Socket}
			if err := flush(ctx, server.Socket); err != nil {
				return nil, err
			}
			client := asynq.NewClient(at)
			worker := asynq.NewServer(at, asynq.Config{Concurrency: workers, LogLevel: asynq.FatalLevel})
			err := worker.Start(asynq.HandlerFunc(func(_ context.Context, t *asynq.Task) error {
				err := doJSON(t.Payload())
				done(err)
				return err
			}))
			if err != nil {
				return nil, errors.Join(err, client.Close())
			}
			return &running{
				send: func(ctx context.Context, t task) error {
					data, err := json.Marshal(t)
					if err != nil {
						return err
					}
					_, err = client.EnqueueContext(ctx, asynq.NewTask(t.Kind(), data))
					return err
				},
				close: func() error {
					worker.Shutdown()
					return client.Close()
				},
			}, nil
		},
	}
}

// flush takes away what an earlier round left.
func flush(ctx context.Context, socket string) error {
	client := redis.NewClient(&redis.Options{Network: "unix", Addr: socket})
	return errors.Join(client.FlushAll(ctx).Err(), client.Close())
}
