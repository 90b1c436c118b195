output "url" {
  description = "URL of the queue as Longshore takes it, for programs that send."
  value       = module.orders.url
}

output "queue_url" {
  description = "The same URL with what was configured, as the worker has it."
  value       = module.worker.queue_url
}

output "subscription" {
  description = "Complete name of the subscription."
  value       = module.worker.subscription
}

output "service_accounts" {
  description = "What the worker and programs that send run as, and what Pub/Sub pushes as."
  value = {
    producer = google_service_account.producer.email
    worker   = module.worker.runtime_service_account
    invoker  = module.worker.invoker_service_account
  }
}
