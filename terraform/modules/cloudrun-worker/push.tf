# The service that Pub/Sub pushes to, and the subscription that pushes.

locals {
  max_deliveries        = coalesce(var.max_deliveries, 2 * var.max_attempts + 2)
  max_delivery_attempts = coalesce(var.max_delivery_attempts, max(5, local.max_deliveries + 3))
}

# It is made before the service, whose start-up check reads it. What is pushed until then
# is tried again.
resource "google_pubsub_subscription" "push" {
  count = local.push ? 1 : 0

  project                    = var.project
  name                       = local.subscription
  topic                      = var.topic
  ack_deadline_seconds       = var.ack_deadline_seconds
  message_retention_duration = "${var.retention_seconds}s"
  labels                     = var.labels

  push_config {
    push_endpoint = local.endpoint

    oidc_token {
      service_account_email = google_service_account.invoker[0].email
      audience              = local.audience
    }
  }

  # A push cannot be put off one by one: without this a failed task comes back at once.
  retry_policy {
    minimum_backoff = "${var.minimum_backoff_seconds}s"
    maximum_backoff = "${var.maximum_backoff_seconds}s"
  }

  dead_letter_policy {
    dead_letter_topic     = var.dead_topic
    max_delivery_attempts = local.max_delivery_attempts
  }

  expiration_policy {
    ttl = "" # never
  }

  lifecycle {
    precondition {
      condition     = var.dead_topic != var.topic
      error_message = "dead_topic is the topic itself. Dead tasks would come back for ever."
    }
    precondition {
      condition     = local.subscription != local.dead_subscription
      error_message = "subscription has the name of the dead-letter topic's subscription. Give it another one."
    }
    precondition {
      condition     = var.ack_deadline_seconds >= var.request_timeout_seconds
      error_message = "ack_deadline_seconds is below request_timeout_seconds: Pub/Sub would push a task again while it still runs. Raise it, to 600 at most, or lower request_timeout_seconds."
    }
    precondition {
      condition     = local.max_delivery_attempts >= local.max_deliveries + 3
      error_message = "max_delivery_attempts is below max_deliveries + 3 (max_deliveries is 2 * max_attempts + 2 unless it is given), so Pub/Sub would bury tasks that have attempts left. Raise it, leave it out, or lower max_attempts."
    }
  }

  depends_on = [google_pubsub_topic_iam_member.agent, google_service_account_iam_member.token_creator]
}

resource "google_cloud_run_v2_service" "this" {
  count = local.push ? 1 : 0

  project             = var.project
  location            = var.location
  name                = var.name
  description         = "Does the tasks of ${local.queue}, which Pub/Sub pushes"
  ingress             = var.ingress
  custom_audiences    = [local.audience]
  deletion_protection = var.deletion_protection
  labels              = var.labels

  template {
    service_account                  = google_service_account.runtime.email
    timeout                          = "${var.request_timeout_seconds}s"
    max_instance_request_concurrency = var.concurrency
    labels                           = var.labels

    scaling {
      min_instance_count = var.min_instances
      max_instance_count = var.max_instances
    }

    containers {
      image   = var.image
      command = var.command
      args    = var.args

      resources {
        limits            = local.limits
        cpu_idle          = true # paid for while requests run
        startup_cpu_boost = true
      }

      dynamic "env" {
        for_each = local.environment

        content {
          name  = env.key
          value = env.value
        }
      }
    }
  }

  lifecycle {
    postcondition {
      condition     = var.endpoint != null || contains(self.urls, local.service_url)
      error_message = "Cloud Run gave the service no URL ${local.service_url}, which Pub/Sub pushes to, but ${jsonencode(self.urls)}. Set endpoint to one of these."
    }
  }

  depends_on = [
    google_pubsub_subscription.push,
    google_pubsub_subscription_iam_member.runtime,
    google_pubsub_topic_iam_member.runtime,
  ]
}
