# A queue on which a Longshore worker starts: a topic with one subscription, a dead
# letter that keeps what arrives there for longer than the queue does, and a limit of
# Pub/Sub's own that leaves every decision about a task to the worker.

locals {
  topic             = coalesce(var.topic, var.name)
  subscription      = coalesce(var.subscription, var.name)
  dead_topic        = coalesce(var.dead_topic, "${var.name}-dead")
  dead_subscription = coalesce(var.dead_subscription, "${var.name}-dead")

  max_deliveries = coalesce(var.max_deliveries, 2 * var.max_attempts + 2)
  # On an ordered queue each return of the head of a group counts as a delivery of
  # all behind it.
  max_delivery_attempts = coalesce(var.max_delivery_attempts, var.ordering ? 100 : max(5, local.max_deliveries + 3))
}

resource "google_pubsub_topic" "this" {
  project      = var.project
  name         = local.topic
  kms_key_name = var.kms_key_name
  labels       = var.labels
}

# There is no retry policy, which would add to the worker's backoff. What forwards to
# the dead letter is made once that keeps what it gets.
resource "google_pubsub_subscription" "this" {
  count = var.pull ? 1 : 0

  project                      = var.project
  name                         = local.subscription
  topic                        = google_pubsub_topic.this.id
  ack_deadline_seconds         = var.hold_seconds
  message_retention_duration   = "${var.retention_seconds}s"
  enable_message_ordering      = var.ordering
  enable_exactly_once_delivery = var.exactly_once
  labels                       = var.labels

  expiration_policy {
    ttl = "" # never
  }

  dead_letter_policy {
    dead_letter_topic     = google_pubsub_topic.dead.id
    max_delivery_attempts = local.max_delivery_attempts
  }

  depends_on = [google_pubsub_subscription.dead, google_pubsub_topic_iam_member.agent]
}

resource "google_pubsub_topic" "dead" {
  project      = var.project
  name         = local.dead_topic
  kms_key_name = var.kms_key_name
  labels       = var.labels
}

# Without it the dead-letter topic would lose what it gets.
resource "google_pubsub_subscription" "dead" {
  project = var.project
  name    = local.dead_subscription
  topic   = google_pubsub_topic.dead.id
  # A redrive and a look at dead letters lease them for as long.
  ack_deadline_seconds       = var.hold_seconds
  message_retention_duration = "${var.dead_letter_retention_seconds}s"
  labels                     = var.labels

  expiration_policy {
    ttl = "" # never
  }
}
