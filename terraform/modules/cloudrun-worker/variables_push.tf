# Of a push only.

variable "ingress" {
  description = "push: where requests may come from. Pub/Sub of the same project is internal."
  type        = string
  default     = "INGRESS_TRAFFIC_INTERNAL_ONLY"

  validation {
    condition     = contains(["INGRESS_TRAFFIC_INTERNAL_ONLY", "INGRESS_TRAFFIC_INTERNAL_LOAD_BALANCER", "INGRESS_TRAFFIC_ALL"], var.ingress)
    error_message = "ingress is none of INGRESS_TRAFFIC_INTERNAL_ONLY, INGRESS_TRAFFIC_INTERNAL_LOAD_BALANCER and INGRESS_TRAFFIC_ALL."
  }
}

variable "endpoint" {
  description = "push: URL that Pub/Sub pushes to, without a path, where it is not that of the service; null for https://NAME-NUMBER.REGION.run.app."
  type        = string
  default     = null

  validation {
    condition     = var.endpoint == null ? true : can(regex("^https://[A-Za-z0-9.-]+(:[0-9]+)?$", var.endpoint))
    error_message = "endpoint is not https://HOST. Pub/Sub pushes over TLS only; the path is push_path."
  }
}

variable "push_path" {
  description = "push: path that the program takes pushes on."
  type        = string
  default     = "/"

  validation {
    condition     = can(regex("^/[A-Za-z0-9/_.~-]*$", var.push_path))
    error_message = "push_path does not begin with a slash, or has something other than letters, digits and /_.~-."
  }
}

variable "audience" {
  description = "push: audience of the tokens; null for the service's URL. Cloud Run and the program check it."
  type        = string
  default     = null

  validation {
    condition     = var.audience == null ? true : length(var.audience) > 0
    error_message = "audience is empty, so that a token for any service would do. Leave it out."
  }
}

variable "request_timeout_seconds" {
  description = "push: after how many seconds Cloud Run ends a request. Handlers get somewhat less than the ack deadline."
  type        = number
  default     = 60

  validation {
    condition     = var.request_timeout_seconds >= 1 && var.request_timeout_seconds <= 600 && floor(var.request_timeout_seconds) == var.request_timeout_seconds
    error_message = "request_timeout_seconds is not a whole number within 1 to 600, which is the longest ack deadline of Pub/Sub. Longer tasks need a pool, whose leases are extended."
  }
}

variable "ack_deadline_seconds" {
  description = "push: how long Pub/Sub waits for an answer before it pushes a task again, in seconds. No less than request_timeout_seconds."
  type        = number
  default     = 60

  validation {
    condition     = var.ack_deadline_seconds >= 10 && var.ack_deadline_seconds <= 600 && floor(var.ack_deadline_seconds) == var.ack_deadline_seconds
    error_message = "ack_deadline_seconds is not a whole number within 10 to 600, which are the limits of Pub/Sub."
  }
}

variable "concurrency" {
  description = "push: the most requests at a time of an instance. No more than the program takes, which answers 429 beyond it."
  type        = number
  default     = 80

  validation {
    condition     = var.concurrency >= 1 && var.concurrency <= 1000 && floor(var.concurrency) == var.concurrency
    error_message = "concurrency is not a whole number within 1 to 1000, which are the limits of Cloud Run."
  }
}

variable "min_instances" {
  description = "push: how many instances run at least; with 0 none is paid for while there are no tasks."
  type        = number
  default     = 0

  validation {
    condition     = var.min_instances >= 0 && floor(var.min_instances) == var.min_instances
    error_message = "min_instances is not a whole number of 0 or more."
  }
}

variable "max_instances" {
  description = "push: how many instances run at most."
  type        = number
  default     = 10

  validation {
    condition     = var.max_instances >= 1 && floor(var.max_instances) == var.max_instances
    error_message = "max_instances is not a whole number of 1 or more."
  }
  validation {
    condition     = var.max_instances >= var.min_instances
    error_message = "max_instances is below min_instances."
  }
}

# Retries

variable "max_attempts" {
  description = "push: the most attempts that the worker makes at a task: the largest MaxAttempts of its retry policies."
  type        = number
  default     = 5

  validation {
    condition     = var.max_attempts >= 1 && var.max_attempts <= 47 && floor(var.max_attempts) == var.max_attempts
    error_message = "max_attempts is not a whole number within 1 to 47. Pub/Sub counts to 100 deliveries, and drains and crashes need as many again as attempts."
  }
}

variable "max_deliveries" {
  description = "push: after how many deliveries the worker buries a task as crashed: the largest MaxDeliveries of its retry policies. Null for the runtime's own, 2 * max_attempts + 2."
  type        = number
  default     = null

  validation {
    condition     = var.max_deliveries == null ? true : var.max_deliveries >= var.max_attempts && var.max_deliveries <= 97 && floor(var.max_deliveries) == var.max_deliveries
    error_message = "max_deliveries is not a whole number within max_attempts to 97."
  }
}

variable "max_delivery_attempts" {
  description = "push: after how many pushes Pub/Sub itself forwards a message to the dead letter, without a reason. Null for the least that is safe, max_deliveries + 3. Each push counts, one that is refused with 429 too."
  type        = number
  default     = null

  validation {
    condition     = var.max_delivery_attempts == null ? true : var.max_delivery_attempts >= 5 && var.max_delivery_attempts <= 100 && floor(var.max_delivery_attempts) == var.max_delivery_attempts
    error_message = "max_delivery_attempts is not a whole number within 5 to 100, which are the limits of Pub/Sub."
  }
}

variable "minimum_backoff_seconds" {
  description = "push: how long Pub/Sub waits before the first retry of a task, in seconds. It doubles from there on."
  type        = number
  default     = 10

  validation {
    condition     = var.minimum_backoff_seconds >= 1 && var.minimum_backoff_seconds <= 600 && floor(var.minimum_backoff_seconds) == var.minimum_backoff_seconds
    error_message = "minimum_backoff_seconds is not a whole number within 1 to 600. Without a wait a failed task uses up its attempts at once."
  }
}

variable "maximum_backoff_seconds" {
  description = "push: how long Pub/Sub waits before a retry at most, in seconds."
  type        = number
  default     = 600

  validation {
    condition     = var.maximum_backoff_seconds >= 1 && var.maximum_backoff_seconds <= 600 && floor(var.maximum_backoff_seconds) == var.maximum_backoff_seconds
    error_message = "maximum_backoff_seconds is not a whole number within 1 to 600, which is the limit of Pub/Sub."
  }
  validation {
    condition     = var.maximum_backoff_seconds >= var.minimum_backoff_seconds
    error_message = "maximum_backoff_seconds is below minimum_backoff_seconds."
  }
}

variable "retention_seconds" {
  description = "push: how long the subscription keeps a message that nobody has done, in seconds. Retries count."
  type        = number
  default     = 604800

  validation {
    condition     = var.retention_seconds >= 600 && var.retention_seconds <= 2678400 && floor(var.retention_seconds) == var.retention_seconds
    error_message = "retention_seconds is not a whole number within 600 (10 minutes) to 2678400 (31 days), which are the limits of Pub/Sub."
  }
}

variable "operator_members" {
  description = "push: who may read the subscription's configuration, as longshore dlq and longshore doctor do, in the form of module pubsub-queue, which grants the rest."
  type        = map(string)
  default     = {}

  validation {
    condition     = alltrue([for member in values(var.operator_members) : can(regex("^(serviceAccount|user|group|domain|principal|principalSet):.+$", member))])
    error_message = "operator_members has something that is not an IAM member such as serviceAccount:EMAIL, group:EMAIL or principal://ID. allUsers and allAuthenticatedUsers are not taken."
  }
}

# Alerts

variable "alerts" {
  description = "push: whether alert policies of Cloud Monitoring are made: on the share of failed requests, and on the age of the oldest task."
  type        = bool
  default     = true
}

variable "notification_channels" {
  description = "push: complete names of the notification channels of Cloud Monitoring that alerts go to."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for channel in var.notification_channels : can(regex("^projects/[^/]+/notificationChannels/[^/]+$", channel))])
    error_message = "notification_channels has something that is not projects/PROJECT/notificationChannels/ID."
  }
}

variable "alert_error_percent" {
  description = "push: beyond which share of requests that are answered with 5xx there is an alert, in percent, when it lasts for five minutes. A task that fails and is tried again is one of them."
  type        = number
  default     = 50

  validation {
    condition     = var.alert_error_percent >= 1 && var.alert_error_percent <= 99
    error_message = "alert_error_percent is not within 1 to 99."
  }
}

variable "alert_oldest_age_seconds" {
  description = "push: beyond which age of the oldest task in seconds there is an alert, when it lasts for five minutes. A task that is retried counts."
  type        = number
  default     = 3600

  validation {
    condition     = !var.alerts || var.alert_oldest_age_seconds >= 60 && var.alert_oldest_age_seconds < var.retention_seconds
    error_message = "alert_oldest_age_seconds is not within 60 and retention_seconds, after which tasks vanish."
  }
}
