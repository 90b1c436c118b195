locals {
  # The queue's own URL with the scheme replaced. The region is named for endpoints
  # whose host does not.
  region = split(":", aws_sqs_queue.this.arn)[3]
  url    = "${replace(aws_sqs_queue.this.url, "/^https?:/", "sqs:")}?region=${local.region}"

  url_declared = join("&", [
    local.url,
    "hold=${var.hold_seconds}s",
    "max_receives=${local.max_receive_count}",
    "dead_letter=${aws_sqs_queue.dead.name}",
  ])
}

output "url" {
  description = "URL of the queue as Longshore takes it."
  value       = local.url
}

output "url_declared" {
  description = "The same URL with what was configured: a worker refuses to start, and longshore doctor names the difference, when the queue has been changed since. Where credentials may not read the configuration, it stands in."
  value       = local.url_declared
}

output "queue_url" {
  description = "URL of the queue at Amazon SQS."
  value       = aws_sqs_queue.this.url
}

output "queue_arn" {
  description = "ARN of the queue."
  value       = aws_sqs_queue.this.arn
}

output "queue_name" {
  description = "Name of the queue."
  value       = aws_sqs_queue.this.name
}

output "dead_letter_url" {
  description = "URL of the dead letter at Amazon SQS."
  value       = aws_sqs_queue.dead.url
}

output "dead_letter_arn" {
  description = "ARN of the dead letter."
  value       = aws_sqs_queue.dead.arn
}

output "dead_letter_name" {
  description = "Name of the dead letter."
  value       = aws_sqs_queue.dead.name
}

output "max_receive_count" {
  description = "After how many receives Amazon SQS itself moves a message to the dead letter."
  value       = local.max_receive_count
}

output "hold_seconds" {
  description = "Visibility timeout of the queue in seconds."
  value       = aws_sqs_queue.this.visibility_timeout_seconds
}

output "retention_seconds" {
  description = "How long the queue keeps a message, in seconds: variable retention_seconds of module s3-payloads."
  value       = var.retention_seconds
}

output "dead_letter_retention_seconds" {
  description = "How long the dead letter keeps a message, in seconds: variable dead_letter_retention_seconds of module s3-payloads."
  value       = var.dead_letter_retention_seconds
}

output "doctor_command" {
  description = "Command that compares the queue with what the worker of these variables needs."
  value       = "longshore doctor --queue '${local.url_declared}' --max-attempts ${var.max_attempts} --timeout ${var.timeout_seconds}s"
}

output "producer_policy_json" {
  description = "IAM policy document of a program that sends tasks."
  value       = jsonencode({ Version = "2012-10-17", Statement = local.producer_statements })
}

output "worker_policy_json" {
  description = "IAM policy document of a worker."
  value       = jsonencode({ Version = "2012-10-17", Statement = local.worker_statements })
}

output "operator_policy_json" {
  description = "IAM policy document of whoever lists dead letters and sends them back."
  value       = jsonencode({ Version = "2012-10-17", Statement = local.operator_statements })
}

output "alarm_arns" {
  description = "ARNs of the alarms, by what they watch; empty without alarms."
  value = merge(
    { for alarm in aws_cloudwatch_metric_alarm.dead_letters : "dead_letters" => alarm.arn },
    { for alarm in aws_cloudwatch_metric_alarm.oldest_age : "oldest_age" => alarm.arn },
  )
}
