// Package terraformtest tests the Terraform module for Amazon SQS on a LocalStack,
// by the commands that a user runs: terraform apply, longshore doctor, send, work,
// dlq, and terraform destroy. It runs with -apply, by make terraform-test.
package terraformtest
