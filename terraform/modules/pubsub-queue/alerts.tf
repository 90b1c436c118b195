resource "google_monitoring_alert_policy" "dead_letters" {
  count = var.alerts ? 1 : 0

  project      = var.project
  display_name = "${local.dead_subscription}: dead tasks"
  combiner     = "OR"

  conditions {
    display_name = "Dead tasks of ${var.name}"

    condition_threshold {
      filter          = "resource.type = \"pubsub_subscription\" AND resource.labels.subscription_id = \"${google_pubsub_subscription.dead.name}\" AND metric.type = \"pubsub.googleapis.com/subscription/num_undelivered_messages\""
      comparison      = "COMPARISON_GT"
      threshold_value = var.alert_dead_letters - 1
      duration        = "0s"

      aggregations {
        alignment_period   = "60s"
        per_series_aligner = "ALIGN_MAX"
      }
    }
  }

  documentation {
    mime_type = "text/markdown"
    content   = "Tasks of ${var.name} are dead. `longshore dlq list` says why, `longshore dlq redrive` sends them back."
  }

  notification_channels = var.notification_channels
  user_labels           = var.labels
}

resource "google_monitoring_alert_policy" "oldest_age" {
  count = var.alerts && var.pull ? 1 : 0

  project      = var.project
  display_name = "${local.subscription}: oldest task"
  combiner     = "OR"

  conditions {
    display_name = "Age of the oldest task of ${var.name}"

    condition_threshold {
      filter                  = "resource.type = \"pubsub_subscription\" AND resource.labels.subscription_id = \"${google_pubsub_subscription.this[0].name}\" AND metric.type = \"pubsub.googleapis.com/subscription/oldest_unacked_message_age\""
      comparison              = "COMPARISON_GT"
      threshold_value         = var.alert_oldest_age_seconds
      duration                = "300s"
      evaluation_missing_data = "EVALUATION_MISSING_DATA_INACTIVE"

      aggregations {
        alignment_period   = "60s"
        per_series_aligner = "ALIGN_MAX"
      }
    }
  }

  documentation {
    mime_type = "text/markdown"
    content   = "A task of ${var.name} is older than ${var.alert_oldest_age_seconds} s and not done: workers are down, too few, or a task is delayed, runs or is retried for long."
  }

  notification_channels = var.notification_channels
  user_labels           = var.labels
}
