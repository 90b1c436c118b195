package conformance

// Outcome is how a check ended.
type Outcome string

const (
	Ran     Outcome = "ran"     // it behaves as promised
	Refused Outcome = "refused" // it is not supported, and refused as promised
	Waived  Outcome = "waived"  // it fails, and a waiver says why
	Absent  Outcome = "absent"  // it cannot be tried here
	Failed  Outcome = "failed"
)

// Result is what one check found on one profile.
type Result struct {
	Outcome Outcome
	// Reason of what is waived or absent.
	Reason string `json:",omitempty"`
	// Failures are the broken promises, each with its place in the source.
	Failures []string `json:",omitempty"`
}
