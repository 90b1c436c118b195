# What the worker needs on the queue, and what Pub/Sub itself needs to forward dead
# letters of the subscription made here.

locals {
  publisher  = "roles/pubsub.publisher"
  subscriber = "roles/pubsub.subscriber"
  viewer     = "roles/pubsub.viewer" # to read the configuration
  runtime    = "serviceAccount:${google_service_account.runtime.email}"

  topic_grants = {
    "queue/publisher" = { topic = local.queue, role = local.publisher } # long delays are copies
    "queue/viewer"    = { topic = local.queue, role = local.viewer }
    "dead/publisher"  = { topic = local.dead_topic, role = local.publisher } # to bury
  }

  read_subscription = local.push ? google_pubsub_subscription.push[0].name : local.subscription
  subscription_grants = merge({
    "queue/viewer" = { subscription = local.read_subscription, role = local.viewer }
    "dead/viewer"  = { subscription = local.dead_subscription, role = local.viewer }
    }, local.push ? {} : {
    "queue/subscriber" = { subscription = local.subscription, role = local.subscriber }
  })
}

resource "google_pubsub_topic_iam_member" "runtime" {
  for_each = local.topic_grants

  project = var.project
  topic   = each.value.topic
  role    = each.value.role
  member  = local.runtime
}

resource "google_pubsub_subscription_iam_member" "runtime" {
  for_each = local.subscription_grants

  project      = var.project
  subscription = each.value.subscription
  role         = each.value.role
  member       = local.runtime
}

resource "google_pubsub_subscription_iam_member" "operators" {
  for_each = local.push ? var.operator_members : {}

  project      = var.project
  subscription = google_pubsub_subscription.push[0].name
  role         = local.viewer
  member       = each.value
}

# Without these two Pub/Sub never gives a message up.

resource "google_pubsub_topic_iam_member" "agent" {
  count = local.push ? 1 : 0

  project = var.project
  topic   = local.dead_topic
  role    = local.publisher
  member  = local.agent
}

resource "google_pubsub_subscription_iam_member" "agent" {
  count = local.push ? 1 : 0

  project      = var.project
  subscription = google_pubsub_subscription.push[0].name
  role         = local.subscriber
  member       = local.agent
}
