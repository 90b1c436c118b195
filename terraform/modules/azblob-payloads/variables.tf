variable "storage_account_name" {
  description = "Name of the storage account, which the module makes: its lifecycle rules are its own."
  type        = string

  validation {
    condition     = can(regex("^[a-z0-9]{3,24}$", var.storage_account_name))
    error_message = "storage_account_name is not 3 to 24 lower-case letters and digits, as Azure asks."
  }
}

variable "resource_group_name" {
  description = "Resource group of the storage account."
  type        = string
}

variable "location" {
  description = "Location of the storage account, such as westeurope."
  type        = string
}

variable "replication" {
  description = "How the storage account is replicated: LRS, ZRS, GRS or RAGRS."
  type        = string
  default     = "ZRS"

  validation {
    condition     = contains(["LRS", "ZRS", "GRS", "RAGRS"], var.replication)
    error_message = "replication is not LRS, ZRS, GRS or RAGRS."
  }
}

variable "container" {
  description = "Name of the container."
  type        = string
  default     = "payloads"

  validation {
    condition     = can(regex("^[a-z0-9](-?[a-z0-9]){2,62}$", var.container))
    error_message = "container is not 3 to 63 lower-case letters, digits and single hyphens, as Azure asks."
  }
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
  description = "How long the dead letter keeps a message, in seconds: the longest of all queues that use this store. Those of Service Bus never expire: it is for how long they can be redriven."
  type        = number

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

variable "producer_principals" {
  description = "Who enqueues tasks, by a name of your choice: the object id of each and its type, User, Group or ServicePrincipal. They get Storage Blob Data Contributor on the container, as Azure has no role that only writes."
  type        = map(object({ id = string, type = optional(string) }))
  default     = {}
}

variable "worker_principals" {
  description = "Who works on tasks, in the same form. They get Storage Blob Data Reader on the container."
  type        = map(object({ id = string, type = optional(string) }))
  default     = {}
}

variable "tags" {
  description = "Tags of the storage account."
  type        = map(string)
  default     = {}
}
