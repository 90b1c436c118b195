package lambdaentry

// Whole makes h know that its mapping takes an answer for that of the whole batch.
func Whole(h *Handler) {
	h.mapping.looked = make(chan struct{})
	h.mapping.whole.Store(true)
	close(h.mapping.looked)
}

// OnExit has h end its process by a function.
func OnExit(h *Handler, exit func()) { h.exit = exit }

// Looking has h look at its mapping without an end.
func Looking(h *Handler) { h.mapping.looked = make(chan struct{}) }
