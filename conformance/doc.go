// Package conformance proves that a driver keeps the contract of package driver:
// ack after process, lease extension, bounded retries and redrive, and what they
// stand on. It runs the same named checks against every backend.
package conformance
