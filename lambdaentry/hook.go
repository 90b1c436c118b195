package lambdaentry

import "runtime/debug"

// tellOf calls OnInvocation.
func (h *Handler) tellOf(i Invocation) {
	if h.options.OnInvocation == nil {
		return
	}
	defer func() {
		if v := recover(); v != nil {
			h.options.Logger.Error("a hook panicked", "hook", "OnInvocation", "panic", v, "stack", string(debug.Stack()))
		}
	}()
	h.options.OnInvocation(i)
}
