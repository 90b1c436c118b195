variable "variant" {
  description = "How the worker gets its tasks: push for a service that Pub/Sub pushes to, which scales with them and down to nothing, or pool for a worker pool that pulls, which puts tasks off and runs for long."
  type        = string
  nullable    = false

  validation {
    condition     = contains(["push", "pool"], var.variant)
    error_message = "variant is neither push nor pool."
  }
}

variable "project" {
  description = "Id of the Google Cloud project that all is made in, and that the queue is in."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.project))
    error_message = "The project is not an id, which has 6 to 30 lower-case letters, digits and hyphens, a letter first and no hyphen last. It is neither the project's name nor its number."
  }
}

variable "project_number" {
  description = "Number of the project, by which Pub/Sub's service agent and the service's URL are called. Null to look it up, for which Terraform needs resourcemanager.projects.get."
  type        = string
  default     = null

  validation {
    condition     = var.project_number == null ? true : can(regex("^[0-9]{1,20}$", var.project_number))
    error_message = "project_number is not a number. gcloud projects describe PROJECT --format 'value(projectNumber)' tells it."
  }
}

variable "location" {
  description = "Region of Cloud Run, such as europe-west1."
  type        = string

  validation {
    condition     = can(regex("^[a-z]+-[a-z]+[0-9]+$", var.location))
    error_message = "location is not a region, such as europe-west1."
  }
}

variable "name" {
  description = "Name of the service or pool. The service accounts are called after it, with -run and -invoker at their end."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,20}[a-z0-9]$", var.name))
    error_message = "The name has not 3 to 22 lower-case letters, digits and hyphens with a letter first and no hyphen last, which is what leaves room for -invoker in the name of a service account."
  }
}

# The program

variable "image" {
  description = "Image of the program, with a tag or, better, a digest: only another name makes Terraform roll out another image."
  type        = string

  validation {
    condition     = can(regex("^[a-z0-9.-]+(:[0-9]+)?(/[A-Za-z0-9._-]+)+(:[A-Za-z0-9_][A-Za-z0-9_.-]*|(:[A-Za-z0-9_][A-Za-z0-9_.-]*)?@sha256:[0-9a-f]{64})$", var.image))
    error_message = "image is not the complete name of an image with a tag or digest, such as europe-west1-docker.pkg.dev/PROJECT/REPOSITORY/orders:1.0.0."
  }
  validation {
    condition     = !endswith(var.image, ":latest")
    error_message = "image has the tag latest. Terraform would not see when it is another one; name a version or a digest."
  }
}

variable "command" {
  description = "What the image runs; null for its own entry point."
  type        = list(string)
  default     = null

  validation {
    condition     = var.command == null ? true : length(var.command) > 0
    error_message = "command is empty. Leave it out for the image's own."
  }
}

variable "args" {
  description = "Arguments of what the image runs; null for its own."
  type        = list(string)
  default     = null
}

variable "environment" {
  description = "Environment of the program beside QUEUE_URL and, for a push, PUSH_AUDIENCE, PUSH_SERVICE_ACCOUNT and PUSH_SIGNATURE_CHECKED. It stands in Terraform's state: no secrets."
  type        = map(string)
  default     = {}

  validation {
    condition     = alltrue([for key in keys(var.environment) : can(regex("^[A-Za-z_][A-Za-z0-9_]*$", key))])
    error_message = "environment has a name that is not letters, digits and underscores without a digit first."
  }
  validation {
    condition     = length(setintersection(keys(var.environment), ["K_CONFIGURATION", "K_REVISION", "K_SERVICE", "PORT", "PUSH_AUDIENCE", "PUSH_SERVICE_ACCOUNT", "PUSH_SIGNATURE_CHECKED", "PUSH_UNAUTHENTICATED", "QUEUE_URL"])) == 0
    error_message = "environment has a name that Cloud Run or this module sets itself: PORT, K_SERVICE, K_REVISION, K_CONFIGURATION, QUEUE_URL, PUSH_AUDIENCE, PUSH_SERVICE_ACCOUNT, PUSH_SIGNATURE_CHECKED or, never, PUSH_UNAUTHENTICATED."
  }
}

variable "cpu" {
  description = "Processors of an instance: 1, 2, 4 or 8."
  type        = string
  default     = "1"

  validation {
    condition     = contains(["1", "2", "4", "8"], var.cpu)
    error_message = "cpu is not 1, 2, 4 or 8."
  }
}

variable "memory" {
  description = "Memory of an instance, such as 512Mi; from 2Gi on for 4 processors, from 4Gi on for 8."
  type        = string
  default     = "512Mi"

  validation {
    condition     = can(regex("^[1-9][0-9]*(Mi|Gi)$", var.memory))
    error_message = "memory is not a whole number with Mi or Gi, such as 512Mi."
  }
  validation {
    condition = !can(regex("^[1-9][0-9]*(Mi|Gi)$", var.memory)) ? true : (
      tonumber(substr(var.memory, 0, length(var.memory) - 2)) * (endswith(var.memory, "Gi") ? 1024 : 1) >= lookup({ "4" = 2048, "8" = 4096 }, var.cpu, 512)
    )
    error_message = "memory is below 512Mi, below 2Gi for 4 processors, or below 4Gi for 8."
  }
}

variable "deletion_protection" {
  description = "Whether Terraform refuses to delete the service or pool."
  type        = bool
  default     = true
}

# The queue

variable "topic" {
  description = "Complete name of the queue's topic: output topic of module pubsub-queue."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^projects/${var.project}/topics/[^/]+$", var.topic))
    error_message = "topic is not projects/PROJECT/topics/NAME in the project that this is made in."
  }
}

variable "subscription" {
  description = "pool: complete name of the subscription that is pulled from, output subscription of module pubsub-queue. push: name of the one that is made here; null for that of the topic."
  type        = string
  default     = null

  validation {
    condition     = var.variant != "pool" || var.subscription == null ? true : can(regex("^projects/${var.project}/subscriptions/[^/]+$", var.subscription))
    error_message = "subscription is not projects/PROJECT/subscriptions/NAME in the project that this is made in, which a pool needs."
  }
  validation {
    condition     = var.variant != "pool" || var.subscription != null
    error_message = "A pool needs the subscription that it pulls from: output subscription of module pubsub-queue, with pull."
  }
  validation {
    condition     = var.variant != "push" || var.subscription == null ? true : can(regex("^[A-Za-z][A-Za-z0-9_.~-]{2,254}$", var.subscription)) && !startswith(lower(var.subscription), "goog")
    error_message = "subscription has not 3 to 255 letters, digits and -_.~ with a letter first, or begins with goog, which Google reserves. A push makes its own subscription: name module pubsub-queue's topic with pull = false, and leave this out."
  }
}

variable "dead_topic" {
  description = "Complete name of the dead-letter topic: output dead_topic of module pubsub-queue."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^projects/${var.project}/topics/[^/]+$", var.dead_topic))
    error_message = "dead_topic is not projects/PROJECT/topics/NAME in the project that this is made in. Without a dead letter poison tasks come back until they expire."
  }
}

variable "dead_subscription" {
  description = "Complete name of the dead-letter topic's subscription: output dead_subscription of module pubsub-queue."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^projects/${var.project}/subscriptions/[^/]+$", var.dead_subscription))
    error_message = "dead_subscription is not projects/PROJECT/subscriptions/NAME in the project that this is made in. A dead-letter topic without a subscription loses what it gets."
  }
}

variable "queue_url" {
  description = "pool: URL of the queue, output url_declared of module pubsub-queue. push: null, because it follows from the subscription that is made here."
  type        = string
  default     = null

  validation {
    condition     = var.variant != "pool" || can(regex("^pubsub://.+/.+$", var.queue_url))
    error_message = "queue_url is not pubsub://PROJECT/NAME, which a pool needs: output url_declared of module pubsub-queue."
  }
  validation {
    condition     = var.variant != "push" || var.queue_url == null
    error_message = "queue_url is for a pool. That of a push follows from the subscription that is made here."
  }
}

# A pool

variable "instances" {
  description = "pool: how many instances run, all the time."
  type        = number
  default     = 1

  validation {
    condition     = var.instances >= 0 && floor(var.instances) == var.instances
    error_message = "instances is not a whole number of 0 or more."
  }
}

# Both

variable "labels" {
  description = "Labels of the service or pool, and of the subscription and the alerts."
  type        = map(string)
  default     = {}

  validation {
    condition     = alltrue([for key, value in var.labels : can(regex("^[a-z][a-z0-9_-]{0,62}$", key)) && can(regex("^[a-z0-9_-]{0,63}$", value))])
    error_message = "labels has a key that is not 1 to 63 lower-case letters, digits, hyphens and underscores with a letter first, or a value with other characters or more than 63 of them."
  }
}
