output "url" {
  description = "URL of the queue as Longshore takes it."
  value       = module.orders.url
}

output "url_declared" {
  description = "The same URL with what was configured, for workers and longshore doctor."
  value       = module.orders.url_declared
}

output "doctor_command" {
  description = "Command that compares the queue with what its worker needs."
  value       = module.orders.doctor_command
}

output "policy_arns" {
  description = "ARNs of the policies of producers, workers and operators."
  value = {
    producer = aws_iam_policy.producer.arn
    worker   = aws_iam_policy.worker.arn
    operator = aws_iam_policy.operator.arn
  }
}
