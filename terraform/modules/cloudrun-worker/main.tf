# A Longshore worker on Cloud Run: a service that Pub/Sub pushes to, or a worker pool
# that pulls.

locals {
  push = var.variant == "push"
  pool = var.variant == "pool"

  # Complete names are projects/PROJECT/KIND/ID.
  queue             = element(split("/", var.topic), 3)
  dead_topic        = element(split("/", var.dead_topic), 3)
  dead_subscription = element(split("/", var.dead_subscription), 3)
  subscription      = local.push ? coalesce(var.subscription, local.queue) : element(split("/", var.subscription), 3)

  # The URL that Cloud Run gives a service is known before it is made.
  service_url = "https://${var.name}-${local.project_number}.${var.location}.run.app"
  endpoint    = "${coalesce(var.endpoint, local.service_url)}${var.push_path}"
  audience    = coalesce(var.audience, local.service_url)

  # What pubsub-queue says in its output url_declared, of the subscription made here.
  url_params = {
    dead_subscription = local.dead_subscription
    dead_topic        = local.dead_topic == "${local.queue}-dead" ? null : local.dead_topic
    hold              = "${var.ack_deadline_seconds}s"
    max_deliveries    = tostring(local.max_delivery_attempts)
    subscription      = local.subscription == local.queue ? null : local.subscription
  }
  push_url  = "pubsub://${element(split("/", var.topic), 1)}/${local.queue}?${join("&", [for name, value in local.url_params : "${name}=${value}" if value != null])}"
  queue_url = local.push ? local.push_url : var.queue_url

  environment = merge(var.environment, { QUEUE_URL = local.queue_url }, local.push ? {
    PUSH_AUDIENCE        = local.audience
    PUSH_SERVICE_ACCOUNT = google_service_account.invoker[0].email
    # Cloud Run checks each token, and takes its signature away: the service is never one
    # that everybody may call.
    PUSH_SIGNATURE_CHECKED = "true"
  } : {})
  limits = { cpu = var.cpu, memory = var.memory }
}

data "google_project" "this" {
  count = var.project_number == null ? 1 : 0

  project_id = var.project
}

locals {
  project_number = var.project_number == null ? data.google_project.this[0].number : var.project_number
  agent          = "serviceAccount:service-${local.project_number}@gcp-sa-pubsub.iam.gserviceaccount.com"
}
