package lambdaentry

import (
	"log/slog"
	"runtime/debug"
)

// call calls a hook of the application, which may be nil.
func call[T any](name string, log *slog.Logger, hook func(T), v T) {
	if hook == nil {
		return
	}
	defer func() {
		if p := recover(); p != nil {
			log.Error("a hook panicked", "hook", name, "panic", p, "stack", string(debug.Stack()))
		}
	}()
	hook(v)
}
