package conformance

var workDrainChecks = []Check{}
