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

output "payloads_url" {
  description = "URL of the store of large payloads, as --payloads of longshore takes it."
  value       = module.payloads.url
}

output "config" {
  description = "Configuration file with the queue and the store, for programs and for longshore."
  value = yamlencode({
    queues = {
      orders = { url = module.orders.url_declared, retry = { max_attempts = local.max_attempts } }
    }
    payloads = { url = module.payloads.url }
  })
}

output "policy_arns" {
  description = "ARNs of the policies of producers, workers and operators: for the queue, and for large payloads."
  value = {
    producer = [aws_iam_policy.producer.arn, aws_iam_policy.payloads_producer.arn]
    worker   = [aws_iam_policy.worker.arn, aws_iam_policy.payloads_worker.arn]
    operator = [aws_iam_policy.operator.arn, aws_iam_policy.payloads_worker.arn]
  }
}
