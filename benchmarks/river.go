package main

import (
	"context"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"

	"github.com/longshore-dev/longshore/benchmarks/internal/report"
	"github.com/longshore-dev/longshore/benchmarks/internal/store"
)

const (
	// riverFetch and riverPoll are how often River may look for work, and does without
	// being told: far more often than by default, with which 100 workers do at most
	// 1,000 tasks a second.
	riverFetch, riverPoll = 2 * time.Millisecond, 20 * time.Millisecond
	// riverConnections are in the pool of River and its producers.
	riverConnections = 32
)

// riverPostgres is River on a private PostgreSQL.
func riverPostgres() contender {
	var server *store.Postgres
	return contender{
		name: "river", producers: 100,
		does: "JSON, task in PostgreSQL, on disk when Insert returns; retry policy, ack after the handler",
		prepare: func(ctx context.Context) (stop func() error, uses report.Library, err error) {
			if server, err = store.StartPostgres(ctx); err != nil {
				return nil, uses, err
			}
			return server.Close, report.Library{Name: "PostgreSQL", Version: server.Version}, nil
		},
		open: func(ctx context.Context, done func(error)) (*running, error) {
			config, err := pgxpool.ParseConfig(server.URL)
			if err != nil {
				return nil, err
			}
			config.MaxConns = riverConnections
			pool, err := pgxpool.NewWithConfig(ctx, config)
			if err != nil {
				return nil, err
			}
			client, err := startRiver(ctx, pool, done)
			if err != nil {
				pool.Close()
				return nil, err
			}
			return &running{
				send: func(ctx context.Context, t task) error {
					_, err := client.Insert(ctx, t, nil)
					return err
				},
				close: func() error {
					defer pool.Close()
					return client.Stop(context.WithoutCancel(ctx))
				},
			}, nil
		},
	}
}

// startRiver makes the tables, empties them and starts the workers.
func startRiver(ctx context.Context, pool *pgxpool.Pool, done func(error)) (*river.Client[pgx.Tx], error) {
	driver := riverpgxv5.New(pool)
	quiet := slog.New(slog.DiscardHandler)
	migrator, err := rivermigrate.New(driver, &rivermigrate.Config{Logger: quiet})
	if err != nil {
		return nil, err
	}
	if _, err := migrator.Migrate(ctx, rivermigrate.DirectionUp, nil); err != nil {
		return nil, err
	}
	if _, err := pool.Exec(ctx, "TRUNCATE river_job"); err != nil {
		return nil, err
	}
	all := river.NewWorkers()
	river.AddWorker(all, &riverWorker{done: done})
	client, err := river.NewClient(driver, &river.Config{
		Queues:  map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: workers}},
		Workers: all, FetchCooldown: riverFetch, FetchPollInterval: riverPoll, Logger: quiet,
	})
	if err != nil {
		return nil, err
	}
	return client, client.Start(context.WithoutCancel(ctx))
}

type riverWorker struct {
	river.WorkerDefaults[task]
	done func(error)
}

// Work does a task.
func (w *riverWorker) Work(_ context.Context, j *river.Job[task]) error {
	err := j.Args.do()
	w.done(err)
	return err
}
