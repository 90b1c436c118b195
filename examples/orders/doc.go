// Package orders confirms orders: it charges each one with a payment server that is
// slow to please, and then writes a receipt. It is one program for every cloud. The
// handlers are here; cmd has a worker that runs anywhere, a function for AWS Lambda
// and a server for Pub/Sub push, and which queue they work on is the configuration's
// business. README.md tells how to run them.
package orders
