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

output "service_accounts" {
  description = "What producers and workers run as."
  value = {
    producer = google_service_account.producer.email
    worker   = google_service_account.worker.email
  }
}
