output "url" {
  description = "URL of the queue as Longshore takes it."
  value       = module.orders.url
}

output "doctor_command" {
  description = "Command that compares the queue with what its worker needs."
  value       = module.orders.doctor_command
}

output "function_name" {
  description = "Name of the function."
  value       = module.worker.function_name
}

output "log_group_name" {
  description = "Name of the function's log group."
  value       = module.worker.log_group_name
}

output "mapping_uuid" {
  description = "Id of the event source mapping, to look at it."
  value       = module.worker.mapping_uuid
}
