# Of a push only. Module pubsub-queue has the alert on dead tasks, and for the
# subscription that a pool pulls from that on the oldest task.

locals {
  requests = "resource.type = \"cloud_run_revision\" AND resource.labels.service_name = \"${var.name}\" AND resource.labels.location = \"${var.location}\" AND metric.type = \"run.googleapis.com/request_count\""
}

resource "google_monitoring_alert_policy" "request_errors" {
  count = local.push && var.alerts ? 1 : 0

  project      = var.project
  display_name = "${var.name}: failed pushes"
  combiner     = "OR"

  conditions {
    display_name = "Share of pushes to ${var.name} that are answered with 5xx"

    condition_threshold {
      filter                  = "${local.requests} AND metric.labels.response_code_class = \"5xx\""
      denominator_filter      = local.requests
      comparison              = "COMPARISON_GT"
      threshold_value         = var.alert_error_percent / 100
      duration                = "300s"
      evaluation_missing_data = "EVALUATION_MISSING_DATA_INACTIVE"

      aggregations {
        alignment_period     = "60s"
        per_series_aligner   = "ALIGN_RATE"
        cross_series_reducer = "REDUCE_SUM"
      }
      denominator_aggregations {
        alignment_period     = "60s"
        per_series_aligner   = "ALIGN_RATE"
        cross_series_reducer = "REDUCE_SUM"
      }
    }
  }

  documentation {
    mime_type = "text/markdown"
    content   = "More than ${var.alert_error_percent} % of the pushes to ${var.name} are answered with 5xx: handlers fail, or the service does not start. A task that fails and will be tried again is one of them."
  }

  notification_channels = var.notification_channels
  user_labels           = var.labels
}

resource "google_monitoring_alert_policy" "oldest_age" {
  count = local.push && var.alerts ? 1 : 0

  project      = var.project
  display_name = "${local.subscription}: oldest task"
  combiner     = "OR"

  conditions {
    display_name = "Age of the oldest task of ${local.subscription}"

    condition_threshold {
      filter                  = "resource.type = \"pubsub_subscription\" AND resource.labels.subscription_id = \"${google_pubsub_subscription.push[0].name}\" AND metric.type = \"pubsub.googleapis.com/subscription/oldest_unacked_message_age\""
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
    content   = "A task of ${local.subscription} is older than ${var.alert_oldest_age_seconds} s and not done: ${var.name} does not start, is too slow or has too few instances, or a task is retried for long."
  }

  notification_channels = var.notification_channels
  user_labels           = var.labels
}
