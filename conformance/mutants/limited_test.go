package mutants_test

import (
	"testing"

	"github.com/longshore-dev/longshore/conformance"
)

// The suite must pass on a queue that refuses almost everything.
func TestLimitedQueueConforms(t *testing.T) {
	p := profiles()["limited"]
	conformance.Run(t, p.backend, p.want)
}
