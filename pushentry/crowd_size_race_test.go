//go:build race

package pushentry_test

// crowd is how many connections there are at a time: the race detector bears 8,128
// goroutines, and a connection has two.
const crowd = 2_000
