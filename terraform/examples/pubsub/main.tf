# A queue for orders, with a dead letter, alerts by mail, and the service accounts of a
# program that sends and of a worker.

terraform {
  required_version = ">= 1.9"

  required_providers {
    google = {
      source  = "hashicorp/google"
      version = ">= 5.0"
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

# What your programs run as.

resource "google_service_account" "producer" {
  account_id   = "${var.name}-producer"
  display_name = "Sends tasks to ${var.name}"
}

resource "google_service_account" "worker" {
  account_id   = "${var.name}-worker"
  display_name = "Does the tasks of ${var.name}"
}

module "orders" {
  source = "../../modules/pubsub-queue"

  project         = var.project
  name            = var.name
  max_attempts    = 5
  timeout_seconds = 600
  hold_seconds    = 60

  producer_members = { producer = google_service_account.producer.member }
  worker_members   = { worker = google_service_account.worker.member }
  operator_members = { mail = "user:${var.email}" }

  notification_channels = [google_monitoring_notification_channel.mail.name]

  labels = { service = "orders" }
}
