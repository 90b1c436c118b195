package simulation

import (
	"context"
	"time"
)

// operate redrives what is dead, now and then.
func (w *World) operate(ctx context.Context) {
	for i := range w.weather.redrives {
		if !pause(ctx, w.dice.of(aboutOperator).of(i).between(1, 5*time.Second, 20*time.Second)) {
			return
		}
	}
}
