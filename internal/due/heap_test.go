package due

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

type thing struct {
	Slot[*thing]
	at time.Duration
}

// A Heap must give what a sorted list gives, whatever is set, moved and removed,
// with times that are nearly all different, with few, and with ones that rise.
func TestHeapAgreesWithASortedList(t *testing.T) {
	for _, c := range []struct{ times, rise int }{{500, 0}, {3, 0}, {3, 1}, {50, 1}} {
		for seed := range uint64(50) {
			t.Run(fmt.Sprintf("%d times, rising by %d, seed %d", c.times, c.rise, seed), func(t *testing.T) {
				r := rand.New(rand.NewPCG(seed, 1))
				from := 0
				agree(t, r, func() time.Duration {
					from += c.rise
					return time.Duration(from + r.IntN(c.times))
				})
			})
		}
	}
}

func agree(t *testing.T, r *rand.Rand, someTime func() time.Duration) {
	var h Heap[*thing]
	var model []*thing
	for range 2000 {
		switch op := r.IntN(10); {
		case op < 5 || len(model) == 0:
			x := &thing{at: someTime()}
			h.Set(x, x.at)
			model = append(model, x)
		case op < 7:
			x := model[r.IntN(len(model))]
			x.at = someTime()
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
			now := someTime()
			least := slices.MinFunc(model, func(a, b *thing) int { return int(a.at - b.at) })
			x, ok := h.Due(now)
			if ok != (least.at <= now) {
				t.Fatalf("Due(%d) = %v with least %d", now, ok, least.at)
			}
			if ok {
				if x.at != least.at || x.In() {
					t.Fatalf("Due gave %d, least is %d; it says %v to being in", x.at, least.at, x.In())
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
	all := slices.Collect(h.All())
	for _, x := range model {
		if i := slices.Index(all, x); i < 0 || !x.In() {
			t.Fatalf("All leaves out an item at %d, or it says %v to being in", x.at, x.In())
		}
	}
	if len(all) != len(model) {
		t.Fatalf("All gives %d items, want %d", len(all), len(model))
	}
}

// Whatever is taken out of a chain, the others keep their order.
func TestWhatIsSetToOneTimeIsDueInThatOrder(t *testing.T) {
	for removed := range 5 {
		for moved := range 5 {
			var h Heap[*thing]
			chain := make([]*thing, 5)
			for i := range chain {
				h.Set(&thing{}, time.Duration(i)) // others around it
				chain[i] = new(thing)
			}
			for _, x := range chain {
				h.Set(x, 2)
			}
			h.Remove(chain[removed])
			h.Set(chain[moved], 9)
			h.Set(chain[moved], 2) // a chain of its own
			want := slices.Clone(chain)
			want = slices.DeleteFunc(want, func(x *thing) bool { return x == chain[removed] || x == chain[moved] })
			var got []*thing
			for {
				x, ok := h.Due(2)
				if !ok {
					break
				}
				if slices.Contains(want, x) {
					got = append(got, x)
				}
			}
			if !slices.Equal(got, want) {
				t.Errorf("without %d and with %d set anew %d of %d are due, or in another order", removed, moved, len(got), len(want))
			}
			if h.Len() != 2 { // of the others, those at 3 and 4
				t.Errorf("%d are left, want 2", h.Len())
			}
		}
	}
}

// A chain is one node, however many items it has, however it came to be.
func TestAChainIsOneNode(t *testing.T) {
	for name, step := range map[string]time.Duration{"at one time": 0, "at rising times": time.Millisecond} {
		var h Heap[*thing]
		things := make([]*thing, 1000)
		for i := range things {
			things[i] = new(thing)
			h.Set(things[i], time.Hour+time.Duration(i)*step)
		}
		for i, x := range things { // the last is then alone where it was
			h.Set(x, time.Minute+time.Duration(i)*step)
		}
		if n := len(h.nodes) - root; n != 1 {
			t.Errorf("%d items set anew %s take %d nodes, want 1", h.Len(), name, n)
		}
		end := len(things) - 1
		h.Remove(things[end])
		h.Set(things[end], time.Minute+time.Duration(end)*step)
		h.Remove(things[0])
		if n := len(h.nodes) - root; n != 1 || h.Len() != end {
			t.Errorf("%d items %s take %d nodes, want 1", h.Len(), name, n)
		}
		if at, _ := h.Next(); at != time.Minute+step {
			t.Errorf("the next %s is due at %v", name, at)
		}
	}
}
