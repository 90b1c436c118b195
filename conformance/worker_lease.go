package conformance

var workLeaseChecks = []Check{}
