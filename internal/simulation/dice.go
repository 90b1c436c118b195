package simulation

import "time"

// dice is a hash of a seed and of what is decided by it. It has no state: the
// same question gets the same answer, whoever asks and in whatever order.
type dice uint64

// what is asked of dice; the first thing that is mixed into those of a World.
const (
	aboutWeather = iota + 1
	aboutTask
	aboutRun
	aboutWorker
	aboutReceive
	aboutSend
	aboutExtend
	aboutSettle
	aboutWithdraw
	aboutOperator
	aboutReading
)

// of is the dice about n.
func (d dice) of(n int) dice {
	x := (uint64(d) ^ uint64(n)) + 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return dice(x ^ x>>31)
}

// below is a number from 0 to n-1. Question tells the questions apart that are
// asked about one thing.
func (d dice) below(question, n int) int {
	return int(uint64(d.of(question)) >> 1 % uint64(n))
}

// in1000 says yes n times in 1,000.
func (d dice) in1000(question, n int) bool { return n > 0 && d.below(question, 1000) < n }

// between is a duration from from to less than to, to the nanosecond.
func (d dice) between(question int, from, to time.Duration) time.Duration {
	return from + time.Duration(d.below(question, int(to-from)))
}
