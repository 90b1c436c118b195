package runtime

// beside is a task and its Info in one piece of memory.
type beside[T Args] struct {
	task Task[T]
	info Info
}

// newInfo is an Info beside the task of its handler.
func newInfo[T Args]() *Info {
	b := new(beside[T])
	b.info.task = &b.task
	return &b.info
}

// place is where info is kept: beside the task of its kind's handler, if that has one.
func (m *Mux) place(info Info) *Info {
	h := m.handlerOf(info.Kind)
	if h == nil || h.newInfo == nil {
		alone := info // so that info itself stays on the stack
		return &alone
	}
	to := h.newInfo()
	info.task = to.task
	*to = info
	return to
}

// taskOf is the task of info for the first handler that asks, and a new one for
// others.
func taskOf[T Args](info *Info) *Task[T] {
	task := &info.task
	if info.next != nil {
		task = &info.next.task
	}
	t, ok := (*task).(*Task[T])
	if !ok {
		return &Task[T]{Info: info}
	}
	*task, t.Info = nil, info
	return t
}
