package pubsubfake

// Differences gives the rules that the official emulator 0.8.20 was seen to break.
// Each is the rule of a probe.
func Differences() []Difference {
	return []Difference{}
}
