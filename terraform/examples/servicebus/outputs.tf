output "url" {
  description = "URL of the queue as Longshore takes it, for programs that send."
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

output "client_ids" {
  description = "What producers and workers run as: client ids of managed identities, for AZURE_CLIENT_ID."
  value = {
    producer = azurerm_user_assigned_identity.producer.client_id
    worker   = azurerm_user_assigned_identity.worker.client_id
  }
}
