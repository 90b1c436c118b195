# The worker pool, which pulls from the queue's own subscription.

resource "google_cloud_run_v2_worker_pool" "this" {
  count = local.pool ? 1 : 0

  project             = var.project
  location            = var.location
  name                = var.name
  description         = "Does the tasks of ${local.queue}"
  deletion_protection = var.deletion_protection
  labels              = var.labels

  scaling {
    manual_instance_count = var.instances
  }

  template {
    service_account = google_service_account.runtime.email
    labels          = var.labels

    containers {
      image   = var.image
      command = var.command
      args    = var.args

      resources {
        limits = local.limits
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
    precondition {
      condition     = var.dead_topic != var.topic && var.dead_subscription != var.subscription
      error_message = "The queue's dead letter is the queue itself. Dead tasks would come back for ever."
    }
  }

  depends_on = [google_pubsub_subscription_iam_member.runtime, google_pubsub_topic_iam_member.runtime]
}
