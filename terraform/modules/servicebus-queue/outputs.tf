locals {
  url_params = {
    dedup    = var.dedup ? "true" : null
    sessions = var.sessions ? "true" : null
    tier     = local.sku == "Premium" ? "premium" : null
  }
  declared = {
    hold           = "${var.hold_seconds}s"
    max_deliveries = tostring(local.max_delivery_count)
  }

  address      = "servicebus://${local.namespace_host}/${azurerm_servicebus_queue.this.name}"
  params       = [for name, value in local.url_params : "${name}=${value}" if value != null]
  url          = join("?", compact([local.address, join("&", local.params)]))
  url_declared = "${local.address}?${join("&", [for name, value in merge(local.url_params, local.declared) : "${name}=${value}" if value != null])}"
}

# Who has a URL finds everything granted.

output "url" {
  description = "URL of the queue as Longshore takes it; parameters stand there only where they differ from the defaults."
  value       = local.url
  depends_on  = [azurerm_role_assignment.principals]
}

output "url_declared" {
  description = "The same URL with what was configured, for workers: only a data owner may read the configuration, and for all others this stands in. With a data owner's credentials a worker refuses to start, and longshore doctor names the difference, when the queue has been changed since."
  value       = local.url_declared
  depends_on  = [azurerm_role_assignment.principals]
}

output "queue_id" {
  description = "Resource id of the queue."
  value       = azurerm_servicebus_queue.this.id
}

output "namespace_id" {
  description = "Resource id of the namespace, for namespace_id of further queues."
  value       = local.namespace_id
}

output "namespace_host" {
  description = "Host name of the namespace."
  value       = local.namespace_host
}

output "max_delivery_count" {
  description = "After how many deliveries Service Bus itself moves a message to the dead letter."
  value       = local.max_delivery_count
}

output "doctor_command" {
  description = "Command that compares the queue with what the worker of these variables needs."
  value       = "longshore doctor --queue '${local.url_declared}' --max-attempts ${var.max_attempts} --timeout ${var.timeout_seconds}s"
}

output "roles" {
  description = "Roles on the queue by who needs them, producer, worker and operator, for whoever grants them by other means."
  value       = local.roles
}

output "alert_ids" {
  description = "Resource ids of the alerts, by what they watch; empty without alerts."
  value = merge(
    { for alert in azurerm_monitor_metric_alert.dead_letters : "dead_letters" => alert.id },
    { for alert in azurerm_monitor_metric_alert.backlog : "backlog" => alert.id },
  )
}
