package conformance

import "slices"

// Layer says what a check runs on, so that blame is clear.
type Layer string

const (
	LayerDriver Layer = "driver" // on a driver.Queue alone
	LayerWorker Layer = "worker" // on the runtime over the queue
)

// Check is one named promise.
type Check struct {
	Name  string
	Theme string
	Layer Layer
	Doc   string // the promise, in one sentence

	run func(t *T)
}

// Checks are all checks, in the order in which they read best.
func Checks() []Check {
	var all []Check
	for _, theme := range []struct {
		name   string
		layer  Layer
		checks []Check
	}{
		{"Send", LayerDriver, sendChecks},
		{"Contents", LayerDriver, contentChecks},
		{"Receive", LayerDriver, receiveChecks},
		{"Leases", LayerDriver, leaseChecks},
		{"Holds", LayerDriver, holdChecks},
		{"Stale leases", LayerDriver, staleChecks},
		{"Settle", LayerDriver, settleChecks},
		{"Release", LayerDriver, releaseChecks},
		{"Dead letter", LayerDriver, deadChecks},
		{"Redrive", LayerDriver, redriveChecks},
		{"Delay", LayerDriver, delayChecks},
		{"Deduplication", LayerDriver, dedupChecks},
		{"Groups", LayerDriver, groupChecks},
		{"Errors", LayerDriver, errorChecks},
		{"Configuration", LayerDriver, configChecks},
		{"Load", LayerDriver, loadChecks},
		{"Runs", LayerWorker, workRunChecks},
		{"Retries", LayerWorker, workRetryChecks},
		{"Ends", LayerWorker, workDeadChecks},
		{"Lost leases", LayerWorker, workLeaseChecks},
		{"Drain", LayerWorker, workDrainChecks},
		{"Delays of tasks", LayerWorker, workDelayChecks},
		{"Groups of tasks", LayerWorker, workGroupChecks},
		{"Large payloads", LayerWorker, workPayloadChecks},
	} {
		for _, c := range theme.checks {
			c.Theme, c.Layer = theme.name, theme.layer
			all = append(all, c)
		}
	}
	return slices.Clip(all)
}
