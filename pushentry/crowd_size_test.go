//go:build !race

package pushentry_test

// crowd is how many connections there are at a time.
const crowd = 10_000
