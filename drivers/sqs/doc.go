// Package sqs is the driver for Amazon SQS.
package sqs
