output "function_name" {
  description = "Name of the function."
  value       = aws_lambda_function.this.function_name
}

output "function_arn" {
  description = "ARN of the function."
  value       = aws_lambda_function.this.arn
}

output "role_name" {
  description = "Name of the function's role, to attach what handlers need."
  value       = aws_iam_role.this.name
}

output "role_arn" {
  description = "ARN of the function's role."
  value       = aws_iam_role.this.arn
}

output "mapping_uuid" {
  description = "Id of the event source mapping."
  value       = aws_lambda_event_source_mapping.this.uuid
}

output "log_group_name" {
  description = "Name of the function's log group."
  value       = aws_cloudwatch_log_group.this.name
}

output "alarm_arns" {
  description = "ARNs of the alarms, by what they watch; empty without alarms."
  value = merge(
    { for name, alarm in aws_cloudwatch_metric_alarm.counted : name => alarm.arn },
    { for alarm in aws_cloudwatch_metric_alarm.duration : "duration" => alarm.arn },
    { for alarm in aws_cloudwatch_metric_alarm.oldest_age : "oldest_age" => alarm.arn },
  )
}
