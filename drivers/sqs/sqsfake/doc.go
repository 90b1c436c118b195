// Package sqsfake is an Amazon SQS in the process of a Go test.
package sqsfake
