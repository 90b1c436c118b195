output "url" {
  description = "URL of the store, as Longshore takes it: payloads.url of a configuration file."
  value       = "s3://${aws_s3_bucket.this.id}?region=${aws_s3_bucket.this.region}&prefix=${var.prefix}"
}

output "bucket_arn" {
  description = "ARN of the bucket."
  value       = aws_s3_bucket.this.arn
}

output "expiration_days" {
  description = "After how many days an object is deleted."
  value       = local.expiration_days
}

output "producer_policy_json" {
  description = "IAM policy document for who enqueues tasks: to put payloads."
  value       = jsonencode({ Version = "2012-10-17", Statement = local.producer_statements })
}

output "worker_policy_json" {
  description = "IAM policy document for a worker: to get payloads, and to find out that one is gone."
  value       = jsonencode({ Version = "2012-10-17", Statement = concat([for s in local.worker_statements : s], [local.list_statement]) })
}
