variable "project" {
  description = "Id of the Google Cloud project that all is made in."
  type        = string
}

variable "email" {
  description = "Address of the Google account that alerts go to and that may send dead tasks back."
  type        = string
}

variable "image" {
  description = "Image of examples/orders as make image-orders builds it, with a tag or digest."
  type        = string
}

variable "variant" {
  description = "push for a service that Pub/Sub pushes to, pool for a worker pool that pulls. A change takes the subscription away, with the tasks in it."
  type        = string
  default     = "push"

  validation {
    condition     = contains(["push", "pool"], var.variant)
    error_message = "variant is neither push nor pool."
  }
}

variable "location" {
  description = "Region of Cloud Run."
  type        = string
  default     = "europe-west1"
}

variable "name" {
  description = "Name of the queue and of the worker, and the beginning of all other names. The program of examples/orders takes the queue orders, as its pubsub.yaml says."
  type        = string
  default     = "orders"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,19}[a-z0-9]$", var.name))
    error_message = "The name has not 3 to 21 lower-case letters, digits and hyphens with a letter first and no hyphen last, which is what leaves room for -producer in the name of a service account."
  }
}

variable "environment" {
  description = "Environment of the program beside GOOGLE_CLOUD_PROJECT, QUEUE_URL, PUSH_AUDIENCE, PUSH_SERVICE_ACCOUNT and PUSH_SIGNATURE_CHECKED, such as PAYMENTS_URL."
  type        = map(string)
  default     = {}
}
