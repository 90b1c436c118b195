package due

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

type thing struct {
	Slot
	at time.Duration
}

// A Heap must give what a sorted list gives, whatever is set, moved and removed.
func TestHeapAgreesWithASortedList(t *testing.T) {
	for seed := range uint64(50) {
		r := rand.New(rand.NewPCG(seed, 1))
		var h Heap[*thing]
		var model []*thing
		for range 2000 {
			switch op := r.IntN(10); {
			case op < 5 || len(model) == 0:
				x := &thing{at: time.Duration(r.IntN(500))}
				h.Set(x, x.at)
				model = append(model, x)
			case op < 7:
				x := model[r.IntN(len(model))]
				x.at = time.Duration(r.IntN(500))
				h.Set(x, x.at)
			case op < 8:
				i := r.IntN(len(model))
				h.Remove(model[i])
				h.Remove(model[i])
				if model[i].In() {
					t.Fatal("a removed item still says it is in")
				}
				model = slices.Delete(model, i, i+1)
			default:
				now := time.Duration(r.IntN(500))
				least := slices.MinFunc(model, func(a, b *thing) int { return int(a.at - b.at) })
				x, ok := h.Due(now)
				if ok != (least.at <= now) {
					t.Fatalf("Due(%d) = %v with least %d", now, ok, least.at)
				}
				if ok {
					if x.at != least.at {
						t.Fatalf("Due gave %d, least is %d", x.at, least.at)
					}
					model = slices.DeleteFunc(model, func(y *thing) bool { return y == x })
				}
			}
			if h.Len() != len(model) {
				t.Fatalf("length %d, want %d", h.Len(), len(model))
			}
			if next, ok := h.Next(); ok {
				least := slices.MinFunc(model, func(a, b *thing) int { return int(a.at - b.at) })
				if _, at := h.Min(); next != least.at || at != next {
					t.Fatalf("Next %d, want %d", next, least.at)
				}
			}
		}
	}
}
