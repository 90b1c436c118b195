# What Pub/Sub itself needs to forward dead letters, and what producers, workers and
# operators need, each on these topics and subscriptions alone.

data "google_project" "this" {
  count = var.project_number == null ? 1 : 0

  project_id = var.project
}

locals {
  project_number = var.project_number == null ? data.google_project.this[0].number : var.project_number
  agent          = "serviceAccount:service-${local.project_number}@gcp-sa-pubsub.iam.gserviceaccount.com"
}

# Without these two Pub/Sub never gives a message up. They belong to the subscription:
# who makes another one makes them for it.

resource "google_pubsub_topic_iam_member" "agent" {
  count = var.pull ? 1 : 0

  project = var.project
  topic   = google_pubsub_topic.dead.name
  role    = "roles/pubsub.publisher"
  member  = local.agent
}

resource "google_pubsub_subscription_iam_member" "agent" {
  count = var.pull ? 1 : 0

  project      = var.project
  subscription = google_pubsub_subscription.this[0].name
  role         = "roles/pubsub.subscriber"
  member       = local.agent
}

locals {
  publisher  = "roles/pubsub.publisher"
  subscriber = "roles/pubsub.subscriber"
  viewer     = "roles/pubsub.viewer" # to read the configuration

  members = {
    producer = var.producer_members
    worker   = var.worker_members
    operator = var.operator_members
  }

  topic_roles = {
    producer = { queue = [local.publisher] }
    worker = {
      queue = [local.publisher, local.viewer] # long delays are copies
      dead  = [local.publisher]
    }
    operator = { queue = [local.publisher] }
  }

  subscription_roles = {
    producer = {}
    worker = {
      queue = [local.subscriber, local.viewer]
      dead  = [local.viewer]
    }
    operator = {
      queue = [local.viewer]
      dead  = [local.subscriber, local.viewer]
    }
  }

  topics        = { queue = google_pubsub_topic.this.name, dead = google_pubsub_topic.dead.name }
  subscriptions = { queue = one(google_pubsub_subscription.this[*].name), dead = google_pubsub_subscription.dead.name }

  topic_grants = merge(flatten([
    for who, members in local.members : [
      for name, member in members : [
        for where, roles in local.topic_roles[who] : [
          for role in roles : { "${who}/${name}/${where}/${role}" = { where = where, role = role, member = member } }
        ]
      ]
    ]
  ])...)

  subscription_grants = merge(flatten([
    for who, members in local.members : [
      for name, member in members : [
        for where, roles in local.subscription_roles[who] : [
          for role in roles : { "${who}/${name}/${where}/${role}" = { where = where, role = role, member = member } }
        ] if var.pull || where != "queue"
      ]
    ]
  ])...)
}

resource "google_pubsub_topic_iam_member" "members" {
  for_each = local.topic_grants

  project = var.project
  topic   = local.topics[each.value.where]
  role    = each.value.role
  member  = each.value.member
}

resource "google_pubsub_subscription_iam_member" "members" {
  for_each = local.subscription_grants

  project      = var.project
  subscription = local.subscriptions[each.value.where]
  role         = each.value.role
  member       = each.value.member
}
