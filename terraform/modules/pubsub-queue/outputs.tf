locals {
  url_params = {
    dead_subscription = local.dead_subscription == "${var.name}-dead" ? null : google_pubsub_subscription.dead.name
    dead_topic        = local.dead_topic == "${var.name}-dead" ? null : google_pubsub_topic.dead.name
    exactly_once      = var.exactly_once ? "true" : null
    ordering          = var.ordering ? "true" : null
    subscription      = local.subscription == var.name ? null : one(google_pubsub_subscription.this[*].name)
    topic             = local.topic == var.name ? null : google_pubsub_topic.this.name
  }
  declared = {
    dead_subscription = google_pubsub_subscription.dead.name
    hold              = "${var.hold_seconds}s"
    max_deliveries    = tostring(local.max_delivery_attempts)
  }

  address      = "pubsub://${google_pubsub_topic.this.project}/${var.name}"
  params       = [for name, value in local.url_params : "${name}=${value}" if value != null]
  url          = join("?", compact([local.address, join("&", local.params)]))
  url_declared = "${local.address}?${join("&", [for name, value in merge(local.url_params, local.declared) : "${name}=${value}" if value != null])}"
}

# Who has a URL finds everything granted.

output "url" {
  description = "URL of the queue as Longshore takes it; parameters stand there only where they differ from the defaults."
  value       = local.url
  depends_on = [
    google_pubsub_subscription_iam_member.agent,
    google_pubsub_subscription_iam_member.members,
    google_pubsub_topic_iam_member.members,
  ]
}

output "url_declared" {
  description = "The same URL with what was configured: a worker refuses to start, and longshore doctor names the difference, when the subscription has been changed since. Where credentials may not read the configuration, it stands in. Null without pull."
  value       = var.pull ? local.url_declared : null
  depends_on = [
    google_pubsub_subscription_iam_member.agent,
    google_pubsub_subscription_iam_member.members,
    google_pubsub_topic_iam_member.members,
  ]
}

output "topic" {
  description = "Complete name of the topic, projects/PROJECT/topics/NAME."
  value       = google_pubsub_topic.this.id
}

output "subscription" {
  description = "Complete name of the subscription, projects/PROJECT/subscriptions/NAME; null without pull."
  value       = one(google_pubsub_subscription.this[*].id)
}

output "dead_topic" {
  description = "Complete name of the dead-letter topic."
  value       = google_pubsub_topic.dead.id
}

output "dead_subscription" {
  description = "Complete name of the dead-letter topic's subscription."
  value       = google_pubsub_subscription.dead.id
}

output "max_delivery_attempts" {
  description = "After how many deliveries Pub/Sub itself forwards a message to the dead letter; null without pull."
  value       = var.pull ? local.max_delivery_attempts : null
}

output "doctor_command" {
  description = "Command that compares the queue with what the worker of these variables needs; null without pull."
  value       = !var.pull ? null : "longshore doctor --queue '${local.url_declared}' --max-attempts ${var.max_attempts} --timeout ${var.timeout_seconds}s"
}

output "topic_roles" {
  description = "Roles on the topics by who needs them, producer, worker and operator, for whoever grants them by other means; queue is the topic, dead the dead-letter topic."
  value       = local.topic_roles
}

output "subscription_roles" {
  description = "The same for the subscriptions."
  value       = local.subscription_roles
}

output "alert_names" {
  description = "Complete names of the alert policies, by what they watch; empty without alerts."
  value = merge(
    { for alert in google_monitoring_alert_policy.dead_letters : "dead_letters" => alert.name },
    { for alert in google_monitoring_alert_policy.oldest_age : "oldest_age" => alert.name },
  )
}
