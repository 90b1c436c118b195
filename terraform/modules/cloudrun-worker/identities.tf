# What the worker runs as, and what Pub/Sub pushes as.

resource "google_service_account" "runtime" {
  project      = var.project
  account_id   = "${var.name}-run"
  display_name = "Does the tasks of ${local.queue}"
}

resource "google_service_account" "invoker" {
  count = local.push ? 1 : 0

  project      = var.project
  account_id   = "${var.name}-invoker"
  display_name = "Pushes the tasks of ${local.queue}"
}

# Nobody but the invoker may call the service. The binding is the whole of the role: who
# is added by hand, such as allUsers, is taken out again.
resource "google_cloud_run_v2_service_iam_binding" "invoker" {
  count = local.push ? 1 : 0

  project  = var.project
  location = var.location
  name     = google_cloud_run_v2_service.this[0].name
  role     = "roles/run.invoker"
  members  = ["serviceAccount:${google_service_account.invoker[0].email}"]
}

# Pub/Sub's service agent makes the tokens. Since April 2021 Google grants it that for
# the whole project, but not in projects where it is older.
resource "google_service_account_iam_member" "token_creator" {
  count = local.push ? 1 : 0

  service_account_id = google_service_account.invoker[0].name
  role               = "roles/iam.serviceAccountTokenCreator"
  member             = local.agent
}
