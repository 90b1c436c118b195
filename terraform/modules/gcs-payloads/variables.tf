variable "name" {
  description = "Name of the bucket."
  type        = string

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9._-]{1,61}[a-z0-9]$", var.name))
    error_message = "name is not 3 to 63 lower-case letters, digits and any of ._-, as Cloud Storage asks."
  }
}

variable "project" {
  description = "Project of the bucket; null for the provider's."
  type        = string
  default     = null
}

variable "location" {
  description = "Location of the bucket, such as EUROPE-WEST1: that of the workers costs least."
  type        = string
}

variable "prefix" {
  description = "Prefix of the keys, which ends with a /: letters, digits and any of ._-/."
  type        = string
  default     = "payloads/"

  validation {
    condition     = can(regex("^([A-Za-z0-9_-][A-Za-z0-9._-]*/)+$", var.prefix)) && length(var.prefix) <= 512
    error_message = "prefix is not names of letters, digits and any of ._- with a / after each, of 512 characters at most."
  }
}

# Time

variable "retention_seconds" {
  description = "How long the queue keeps a message, in seconds: the longest of all queues that use this store."
  type        = number

  validation {
    condition     = var.retention_seconds >= 60
    error_message = "retention_seconds is below 60."
  }
}

variable "dead_letter_retention_seconds" {
  description = "How long the dead letter keeps a message, in seconds: the longest of all queues that use this store."
  type        = number
  default     = 2678400

  validation {
    condition     = var.dead_letter_retention_seconds >= 60
    error_message = "dead_letter_retention_seconds is below 60."
  }
}

variable "max_delay_seconds" {
  description = "The longest delay of a task, in seconds: ClientOptions.MaxDelay."
  type        = number
  default     = 86400

  validation {
    condition     = var.max_delay_seconds >= 0 && var.max_delay_seconds <= 31536000
    error_message = "max_delay_seconds is not within 0 to 31536000 (365 days)."
  }
}

variable "expiration_days" {
  description = "After how many days an object is deleted. Null for the least that is safe: retention_seconds, dead_letter_retention_seconds and max_delay_seconds together, and a day. A redrive begins a message's time anew, and so does each copy of a task that is put off: raise it where dead letters are redriven late in their time or again, or tasks are put off for days."
  type        = number
  default     = null

  validation {
    condition     = var.expiration_days == null ? true : var.expiration_days * 86400 >= var.retention_seconds + var.dead_letter_retention_seconds + var.max_delay_seconds
    error_message = "expiration_days is below retention_seconds, dead_letter_retention_seconds and max_delay_seconds together, so payloads of tasks that can still run would vanish. Raise it, or leave it out."
  }
  validation {
    condition     = var.expiration_days == null ? true : floor(var.expiration_days) == var.expiration_days
    error_message = "expiration_days is not a whole number."
  }
}

# Who

variable "producer_members" {
  description = "Members that enqueue tasks, such as serviceAccount:api@my-project.iam.gserviceaccount.com: to create payloads."
  type        = list(string)
  default     = []
}

variable "worker_members" {
  description = "Members that work on tasks: to read payloads, and to find out that one is gone."
  type        = list(string)
  default     = []
}

variable "labels" {
  description = "Labels of the bucket."
  type        = map(string)
  default     = {}
}
