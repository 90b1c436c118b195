variable "project" {
  description = "Id of the Google Cloud project that all is made in."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.project))
    error_message = "The project is not an id, which has 6 to 30 lower-case letters, digits and hyphens, a letter first and no hyphen last. It is neither the project's name nor its number."
  }
}

variable "project_number" {
  description = "Number of the project, by which Pub/Sub's service agent is called. Null to look it up, for which Terraform needs resourcemanager.projects.get."
  type        = string
  default     = null

  validation {
    condition     = var.project_number == null ? true : can(regex("^[0-9]{1,20}$", var.project_number))
    error_message = "project_number is not a number. gcloud projects describe PROJECT --format 'value(projectNumber)' tells it."
  }
}

variable "name" {
  description = "Name of the queue. The topic and the subscription have it too, those of the dead letter with -dead at the end."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z][A-Za-z0-9_.~-]{2,249}$", var.name))
    error_message = "The name has not 3 to 250 letters, digits and -_.~ with a letter first. Pub/Sub takes + and % too, which this module does not: they mean something else in a URL."
  }
  validation {
    condition     = !startswith(lower(var.name), "goog")
    error_message = "The name begins with goog, which Google reserves."
  }
}

# Names that differ

variable "topic" {
  description = "Name of the topic; null for that of the queue. No other queue may have it: whatever is sent goes to every subscription of a topic."
  type        = string
  default     = null

  validation {
    condition     = var.topic == null ? true : can(regex("^[A-Za-z][A-Za-z0-9_.~-]{2,254}$", var.topic)) && !startswith(lower(var.topic), "goog")
    error_message = "topic has not 3 to 255 letters, digits and -_.~ with a letter first, or begins with goog, which Google reserves."
  }
}

variable "subscription" {
  description = "Name of the subscription; null for that of the queue."
  type        = string
  default     = null

  validation {
    condition     = var.subscription == null ? true : can(regex("^[A-Za-z][A-Za-z0-9_.~-]{2,254}$", var.subscription)) && !startswith(lower(var.subscription), "goog")
    error_message = "subscription has not 3 to 255 letters, digits and -_.~ with a letter first, or begins with goog, which Google reserves."
  }
}

variable "dead_topic" {
  description = "Name of the dead-letter topic; null for that of the queue with -dead at the end."
  type        = string
  default     = null

  validation {
    condition     = var.dead_topic == null ? true : can(regex("^[A-Za-z][A-Za-z0-9_.~-]{2,254}$", var.dead_topic)) && !startswith(lower(var.dead_topic), "goog")
    error_message = "dead_topic has not 3 to 255 letters, digits and -_.~ with a letter first, or begins with goog, which Google reserves."
  }
  validation {
    condition     = coalesce(var.dead_topic, "${var.name}-dead") != coalesce(var.topic, var.name)
    error_message = "dead_topic is the topic itself. Dead tasks would come back for ever."
  }
}

variable "dead_subscription" {
  description = "Name of the dead-letter topic's subscription; null for that of the queue with -dead at the end."
  type        = string
  default     = null

  validation {
    condition     = var.dead_subscription == null ? true : can(regex("^[A-Za-z][A-Za-z0-9_.~-]{2,254}$", var.dead_subscription)) && !startswith(lower(var.dead_subscription), "goog")
    error_message = "dead_subscription has not 3 to 255 letters, digits and -_.~ with a letter first, or begins with goog, which Google reserves."
  }
  validation {
    condition     = coalesce(var.dead_subscription, "${var.name}-dead") != coalesce(var.subscription, var.name)
    error_message = "dead_subscription is the subscription of the queue itself. Give it another name."
  }
}

# Retries

variable "max_attempts" {
  description = "The most attempts that a worker makes at a task: the largest MaxAttempts of its retry policies, or --max-attempts."
  type        = number
  default     = 5

  validation {
    condition     = var.max_attempts >= 1 && var.max_attempts <= 47 && floor(var.max_attempts) == var.max_attempts
    error_message = "max_attempts is not a whole number within 1 to 47. Pub/Sub counts to 100 deliveries, and drains and crashes need as many again as attempts."
  }
}

variable "max_deliveries" {
  description = "After how many deliveries a worker buries a task as crashed: the largest MaxDeliveries of its retry policies. Null for the runtime's own, 2 * max_attempts + 2."
  type        = number
  default     = null

  validation {
    condition     = var.max_deliveries == null ? true : var.max_deliveries >= var.max_attempts && var.max_deliveries <= 97 && floor(var.max_deliveries) == var.max_deliveries
    error_message = "max_deliveries is not a whole number within max_attempts to 97."
  }
}

variable "max_delivery_attempts" {
  description = "After how many deliveries Pub/Sub itself forwards a message to the dead letter, without a reason. Null for the least that is safe, max_deliveries + 3, and for 100 on an ordered queue."
  type        = number
  default     = null

  validation {
    condition     = var.max_delivery_attempts == null ? true : var.max_delivery_attempts >= coalesce(var.max_deliveries, 2 * var.max_attempts + 2) + 3
    error_message = "max_delivery_attempts is below max_deliveries + 3 (max_deliveries is 2 * max_attempts + 2 unless it is given), so Pub/Sub would bury tasks that have attempts left. Raise it, leave it out, or lower max_attempts."
  }
  validation {
    condition     = var.max_delivery_attempts == null ? true : var.max_delivery_attempts >= 5 && var.max_delivery_attempts <= 100 && floor(var.max_delivery_attempts) == var.max_delivery_attempts
    error_message = "max_delivery_attempts is not a whole number within 5 to 100, which are the limits of Pub/Sub."
  }
}

# Time

variable "hold_seconds" {
  description = "Ack deadline in seconds: how long a task is leased before its worker extends the lease. A short one brings the tasks of a killed worker back sooner, a long one costs fewer requests."
  type        = number
  default     = 60

  validation {
    condition     = var.hold_seconds >= 10 && var.hold_seconds <= 600 && floor(var.hold_seconds) == var.hold_seconds
    error_message = "hold_seconds is not a whole number within 10 to 600, which are the limits of Pub/Sub. A task may run for longer: its worker extends the lease."
  }
}

variable "timeout_seconds" {
  description = "The worker's limit for one attempt in seconds: its longest Timeout, or --timeout. It may be far above hold_seconds, because leases are extended."
  type        = number
  default     = 600

  validation {
    condition     = var.timeout_seconds >= 1 && var.timeout_seconds < var.retention_seconds
    error_message = "timeout_seconds is not within 1 and retention_seconds, after which Pub/Sub drops a message, whether it is leased or not."
  }
}

variable "retention_seconds" {
  description = "How long the queue keeps a message that nobody has done, in seconds. Delays and retries count."
  type        = number
  default     = 604800

  validation {
    condition     = var.retention_seconds >= 600 && var.retention_seconds <= 2678400 && floor(var.retention_seconds) == var.retention_seconds
    error_message = "retention_seconds is not a whole number within 600 (10 minutes) to 2678400 (31 days), which are the limits of Pub/Sub."
  }
  validation {
    condition     = var.retention_seconds < var.dead_letter_retention_seconds
    error_message = "retention_seconds is not below dead_letter_retention_seconds. Somebody must have time to look at dead tasks, and send them back."
  }
}

variable "dead_letter_retention_seconds" {
  description = "How long the dead letter keeps a message, in seconds. By default the longest that there is, 31 days."
  type        = number
  default     = 2678400

  validation {
    condition     = var.dead_letter_retention_seconds >= 600 && var.dead_letter_retention_seconds <= 2678400 && floor(var.dead_letter_retention_seconds) == var.dead_letter_retention_seconds
    error_message = "dead_letter_retention_seconds is not a whole number within 600 (10 minutes) to 2678400 (31 days), which are the limits of Pub/Sub."
  }
}

# Delivery

variable "pull" {
  description = "Whether the queue has a subscription that workers pull from. False where module cloudrun-worker makes one that pushes: every subscription of a topic gets all that is sent, so there must be no other."
  type        = bool
  default     = true

  validation {
    condition     = var.pull || !var.ordering && !var.exactly_once && var.subscription == null
    error_message = "ordering, exactly_once and subscription are of the subscription that pull stands for. Leave them out, or pull true."
  }
}

variable "ordering" {
  description = "Whether the subscription has message ordering: tasks of a group one at a time and in order. It cannot be changed later: Terraform would make the subscription anew, and the tasks in it would be lost."
  type        = bool
  default     = false
}

variable "exactly_once" {
  description = "Whether the subscription has exactly-once delivery: Pub/Sub tells whether an acknowledgement was in time. It is slower, works within a region, and does not make handlers run once."
  type        = bool
  default     = false
}

variable "kms_key_name" {
  description = "Complete name of a key of Cloud KMS that encrypts both topics, which Pub/Sub's service agent must be allowed to use (roles/cloudkms.cryptoKeyEncrypterDecrypter); null for Google's own keys."
  type        = string
  default     = null

  validation {
    condition     = var.kms_key_name == null ? true : can(regex("^projects/[^/]+/locations/[^/]+/keyRings/[^/]+/cryptoKeys/[^/]+$", var.kms_key_name))
    error_message = "kms_key_name is not projects/PROJECT/locations/LOCATION/keyRings/RING/cryptoKeys/KEY."
  }
}

# Who may use it

variable "producer_members" {
  description = "Who sends tasks: IAM members such as serviceAccount:shop@my-project.iam.gserviceaccount.com, each under a name of your choice that does not change."
  type        = map(string)
  default     = {}

  validation {
    condition     = alltrue([for member in values(var.producer_members) : can(regex("^(serviceAccount|user|group|domain|principal|principalSet):.+$", member))])
    error_message = "producer_members has something that is not an IAM member such as serviceAccount:EMAIL, group:EMAIL or principal://ID. allUsers and allAuthenticatedUsers are not taken."
  }
}

variable "worker_members" {
  description = "Who does tasks, in the same form."
  type        = map(string)
  default     = {}

  validation {
    condition     = alltrue([for member in values(var.worker_members) : can(regex("^(serviceAccount|user|group|domain|principal|principalSet):.+$", member))])
    error_message = "worker_members has something that is not an IAM member such as serviceAccount:EMAIL, group:EMAIL or principal://ID. allUsers and allAuthenticatedUsers are not taken."
  }
}

variable "operator_members" {
  description = "Who lists dead letters and sends them back, in the same form."
  type        = map(string)
  default     = {}

  validation {
    condition     = alltrue([for member in values(var.operator_members) : can(regex("^(serviceAccount|user|group|domain|principal|principalSet):.+$", member))])
    error_message = "operator_members has something that is not an IAM member such as serviceAccount:EMAIL, group:EMAIL or principal://ID. allUsers and allAuthenticatedUsers are not taken."
  }
}

# Alerts

variable "alerts" {
  description = "Whether alert policies of Cloud Monitoring are made: on the number of dead letters, and on the age of the oldest task."
  type        = bool
  default     = true
}

variable "notification_channels" {
  description = "Complete names of the notification channels of Cloud Monitoring that alerts go to."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for channel in var.notification_channels : can(regex("^projects/[^/]+/notificationChannels/[^/]+$", channel))])
    error_message = "notification_channels has something that is not projects/PROJECT/notificationChannels/ID."
  }
}

variable "alert_dead_letters" {
  description = "From how many dead letters on there is an alert."
  type        = number
  default     = 1

  validation {
    condition     = var.alert_dead_letters >= 1 && floor(var.alert_dead_letters) == var.alert_dead_letters
    error_message = "alert_dead_letters is not a whole number of 1 or more."
  }
}

variable "alert_oldest_age_seconds" {
  description = "Beyond which age of the oldest task in seconds there is an alert, when it lasts for five minutes. A task that is delayed or runs counts: take more than your longest delay and timeout."
  type        = number
  default     = 3600

  validation {
    condition     = !var.alerts || var.alert_oldest_age_seconds >= 60 && var.alert_oldest_age_seconds < var.retention_seconds
    error_message = "alert_oldest_age_seconds is not within 60 and retention_seconds, after which tasks vanish."
  }
}

variable "labels" {
  description = "Labels of topics, subscriptions and alerts."
  type        = map(string)
  default     = {}

  validation {
    condition     = alltrue([for key, value in var.labels : can(regex("^[a-z][a-z0-9_-]{0,62}$", key)) && can(regex("^[a-z0-9_-]{0,63}$", value))])
    error_message = "labels has a key that is not 1 to 63 lower-case letters, digits, hyphens and underscores with a letter first, or a value with other characters or more than 63 of them."
  }
}
