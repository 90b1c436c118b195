# A queue for orders and its worker on Cloud Run, by push or as a pool, with alerts by
# mail and the service account of a program that sends.

terraform {
  required_version = ">= 1.9"

  required_providers {
    google = {
      source  = "hashicorp/google"
      version = ">= 6.50"
    }
  }
}

provider "google" {
  project = var.project
}

resource "google_monitoring_notification_channel" "mail" {
  display_name = "${var.name} alerts"
  type         = "email"
  labels       = { email_address = var.email }
}

resource "google_service_account" "producer" {
  account_id   = "${var.name}-producer"
  display_name = "Sends tasks to ${var.name}"
}

locals {
  pool     = var.variant == "pool"
  operator = { mail = "user:${var.email}" }
}

module "orders" {
  source = "../../modules/pubsub-queue"

  project         = var.project
  name            = var.name
  pull            = local.pool
  max_attempts    = 8  # as examples/orders/pubsub.yaml says
  max_deliveries  = 20 # so too
  timeout_seconds = 20 # as its handlers have it

  producer_members = { producer = google_service_account.producer.member }
  operator_members = local.operator

  notification_channels = [google_monitoring_notification_channel.mail.name]

  labels = { service = "orders" }
}

module "worker" {
  source = "../../modules/cloudrun-worker"

  variant  = var.variant
  project  = var.project
  location = var.location
  name     = var.name

  # The image of examples/orders has both programs.
  image   = var.image
  command = [local.pool ? "/worker" : "/push"]
  # Cloud Run kills a pool's instance 10 s after SIGTERM.
  args = concat(["-config", "/etc/orders/pubsub.yaml"], local.pool ? ["-grace", "8s"] : [])
  # Secrets do not belong here.
  environment = merge({ GOOGLE_CLOUD_PROJECT = var.project }, var.environment)

  topic             = module.orders.topic
  dead_topic        = module.orders.dead_topic
  dead_subscription = module.orders.dead_subscription

  # A pool pulls from the queue's own subscription. For a push there is none: both are
  # null.
  subscription = module.orders.subscription
  queue_url    = module.orders.url_declared

  # A push: handlers get 49 s of these.
  request_timeout_seconds = 60
  ack_deadline_seconds    = 60
  max_attempts            = 8
  max_deliveries          = 20
  operator_members        = local.operator

  deletion_protection   = false # an example
  notification_channels = [google_monitoring_notification_channel.mail.name]

  labels = { service = "orders" }
}
