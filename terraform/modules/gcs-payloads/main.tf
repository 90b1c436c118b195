# A bucket for payloads that are too large for messages. Longshore deletes none of them:
# the lifecycle rule does, when no message can refer to them any more.

locals {
  # The least time for which a message can refer to an object, and a day.
  least_days      = ceil((var.retention_seconds + var.dead_letter_retention_seconds + var.max_delay_seconds) / 86400) + 1
  expiration_days = coalesce(var.expiration_days, local.least_days)
}

resource "google_storage_bucket" "this" {
  name     = var.name
  project  = var.project
  location = var.location
  labels   = var.labels

  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"

  lifecycle_rule {
    condition {
      age            = local.expiration_days
      matches_prefix = [var.prefix]
    }
    action {
      type = "Delete"
    }
  }
}

# An object is never written twice, so to create is all that a producer needs.
resource "google_storage_bucket_iam_member" "producer" {
  for_each = toset(var.producer_members)

  bucket = google_storage_bucket.this.name
  role   = "roles/storage.objectCreator"
  member = each.value
}

# To get and to list.
resource "google_storage_bucket_iam_member" "worker" {
  for_each = toset(var.worker_members)

  bucket = google_storage_bucket.this.name
  role   = "roles/storage.objectViewer"
  member = each.value
}
