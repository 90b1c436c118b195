package conformance

var workDelayChecks = []Check{}
