package store

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/redis/go-redis/v9"
)

// Redis is a private Redis without persistence.
type Redis struct {
	Socket  string // of the server
	Version string
	process *process
}

// StartRedis starts the redis-server of the path; ErrAbsent when there is none.
func StartRedis(ctx context.Context) (*Redis, error) {
	program, err := exec.LookPath("redis-server")
	if err != nil {
		return nil, fmt.Errorf("%w: no redis-server is on the path", ErrAbsent)
	}
	directory, err := os.MkdirTemp("", "redis")
	if err != nil {
		return nil, err
	}
	r := &Redis{Socket: filepath.Join(directory, "socket"), Version: redisVersion(version(ctx, program))}
	command := exec.CommandContext(context.WithoutCancel(ctx), program, "--port", "0", "--unixsocket", r.Socket,
		"--save", "", "--appendonly", "no", "--dir", directory)
	client := redis.NewClient(&redis.Options{Network: "unix", Addr: r.Socket})
	defer client.Close()
	r.process, err = run(ctx, directory, command, syscall.SIGTERM, func(ctx context.Context) error { return client.Ping(ctx).Err() })
	return r, err
}

// Close ends the server and waits for it.
func (r *Redis) Close() error { return r.process.end(syscall.SIGTERM) }

// redisVersion is the number in "Redis server v=7.0.15 sha=...".
func redisVersion(line string) string {
	_, after, found := strings.Cut(line, "v=")
	if !found {
		return line
	}
	number, _, _ := strings.Cut(after, " ")
	return number
}
