package conformance

var workDeadChecks = []Check{}
