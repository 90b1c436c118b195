package conformance

var workGroupChecks = []Check{}
