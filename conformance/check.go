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
		checks []Check
	}{
		{"Send", sendChecks},
		{"Contents", contentChecks},
		{"Receive", receiveChecks},
		{"Leases", leaseChecks},
		{"Holds", holdChecks},
		{"Stale leases", staleChecks},
		{"Settle", settleChecks},
		{"Release", releaseChecks},
		{"Dead letter", deadChecks},
		{"Redrive", redriveChecks},
		{"Delay", delayChecks},
		{"Deduplication", dedupChecks},
		{"Groups", groupChecks},
		{"Errors", errorChecks},
		{"Configuration", configChecks},
		{"Load", loadChecks},
	} {
		for _, c := range theme.checks {
			c.Theme, c.Layer = theme.name, LayerDriver
			all = append(all, c)
		}
	}
	return slices.Clip(all)
}
