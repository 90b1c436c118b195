// Package load is what the figures of several brokers have in common: the task that
// is sent and done, the worker that does it, and what keeps a queue filled.
package load
