package main

import (
	"context"
	"io"
	"time"
)

type requestsOptions struct {
	messages int64
	warmUp   time.Duration
	out      io.Writer
}

func countRequests(ctx context.Context, o requestsOptions) error { return nil }
