// Package configfile reads the configuration file of a program: its queues and the
// routes of its kinds.
//
// It is strict: an unknown key, a value of the wrong type or out of range, a name
// that occurs twice and a route to no queue are errors. Each tells line and column,
// and none repeats a value, which may be a secret that went to the wrong place.
package configfile
