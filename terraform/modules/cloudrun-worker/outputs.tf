output "id" {
  description = "Complete name of the service or of the worker pool."
  value       = local.push ? google_cloud_run_v2_service.this[0].id : google_cloud_run_v2_worker_pool.this[0].id
}

output "endpoint" {
  description = "URL that Pub/Sub pushes to; null for a pool."
  value       = local.push ? local.endpoint : null
}

output "audience" {
  description = "Audience of the tokens of a push, which the program has as PUSH_AUDIENCE; null for a pool."
  value       = local.push ? local.audience : null
}

output "runtime_service_account" {
  description = "E-mail address of the service account that the worker runs as, to grant what handlers need."
  value       = google_service_account.runtime.email
}

output "invoker_service_account" {
  description = "E-mail address of the service account that Pub/Sub pushes as, which the program has as PUSH_SERVICE_ACCOUNT; null for a pool."
  value       = one(google_service_account.invoker[*].email)
}

output "subscription" {
  description = "Complete name of the subscription that is pushed or pulled from."
  value       = local.push ? google_pubsub_subscription.push[0].id : var.subscription
}

output "queue_url" {
  description = "URL of the queue as Longshore takes it, with what was configured, which the program has as QUEUE_URL."
  value       = local.queue_url
}

output "max_delivery_attempts" {
  description = "After how many pushes Pub/Sub itself forwards a message to the dead letter; null for a pool."
  value       = local.push ? local.max_delivery_attempts : null
}

output "alert_names" {
  description = "Complete names of the alert policies, by what they watch; empty for a pool and without alerts."
  value = merge(
    { for alert in google_monitoring_alert_policy.request_errors : "request_errors" => alert.name },
    { for alert in google_monitoring_alert_policy.oldest_age : "oldest_age" => alert.name },
  )
}
