// Package simulation runs the real runtime against faults, in virtual time, many
// times over: each time from a seed from which all that happens follows.
//
// A [World] is one such run. Producers enqueue tasks on a queue in memory,
// workers come and go, an operator redrives what died, and calls to the queue
// fail before or after they took effect, dawdle or hang; then comes a calm time
// in which all gets done, and an accounting. While it runs, every call, every
// attempt and every report of a worker is held against what the runtime promises.
//
// # Replay
//
// A seed gives the same history each time. For that nothing is drawn from a
// source that goroutines share: every fault and duration is a hash of the seed
// and of what it is about (see dice), and durations are spread over nanoseconds,
// so that no two things that are not each other's consequence happen at the same
// instant. Where the runtime itself does several things at one instant and in
// any order, the world gives it no occasion to do them in one batch: see weather,
// and decision 0020.
//
// A World must run in a bubble of testing/synctest.
package simulation
