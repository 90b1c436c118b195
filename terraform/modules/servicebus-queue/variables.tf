variable "resource_group_name" {
  description = "Resource group that the alerts are made in, and the namespace unless it is there already."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z0-9_.()-]{0,89}[A-Za-z0-9_()-]$", var.resource_group_name))
    error_message = "resource_group_name is not a name of 1 to 90 letters, digits and -_.() without a period last. It is the group's name, not its id."
  }
}

variable "name" {
  description = "Name of the queue."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z0-9]([A-Za-z0-9._/-]{0,258}[A-Za-z0-9])?$", var.name))
    error_message = "The name has not 1 to 260 letters, digits and ._-/ with a letter or digit first and last. Service Bus takes ~ too, which this module does not."
  }
  validation {
    condition     = !strcontains(var.name, "//") && !strcontains(lower(var.name), "/subscriptions/")
    error_message = "The name has two slashes in a row, or is that of a topic's subscription (/subscriptions/). Longshore takes queues."
  }
  validation {
    condition     = !var.alerts || length(var.name) <= 180
    error_message = "The name has more than 180 characters, and the alerts, which carry it, would have too long ones. Take a shorter name, or alerts = false."
  }
}

# Namespace

variable "create_namespace" {
  description = "Whether the namespace is made here. False for a queue in one that is there, which namespace_id names."
  type        = bool
  default     = true
}

variable "namespace_id" {
  description = "Resource id of the namespace that is there, in the provider's subscription; null where it is made here."
  type        = string
  default     = null

  validation {
    condition     = var.create_namespace == (var.namespace_id == null)
    error_message = "namespace_id goes with create_namespace = false, and is needed there: the namespace is either made here or there already."
  }
  validation {
    condition     = var.namespace_id == null ? true : can(regex("^/subscriptions/[0-9A-Fa-f-]{36}/resourceGroups/[^/]+/providers/Microsoft.ServiceBus/namespaces/[^/]+$", var.namespace_id))
    error_message = "namespace_id is not /subscriptions/ID/resourceGroups/GROUP/providers/Microsoft.ServiceBus/namespaces/NAME. az servicebus namespace show --resource-group GROUP --name NAME --query id tells it."
  }
}

variable "namespace_name" {
  description = "Name of the namespace that is made here, the first part of its host name, which nobody else in the world may have; null where it is there already."
  type        = string
  default     = null

  validation {
    condition     = var.create_namespace == (var.namespace_name != null)
    error_message = "namespace_name goes with create_namespace = true, and is needed there. A namespace that is there is named by namespace_id."
  }
  validation {
    condition     = var.namespace_name == null ? true : can(regex("^[A-Za-z][A-Za-z0-9-]{4,48}[A-Za-z0-9]$", var.namespace_name))
    error_message = "namespace_name has not 6 to 50 letters, digits and hyphens with a letter first and no hyphen last. It is the name alone: no scheme, no .servicebus.windows.net, no port."
  }
  validation {
    condition     = var.namespace_name == null ? true : !can(regex("-(sb|mgmt)$", lower(var.namespace_name)))
    error_message = "namespace_name ends with -sb or -mgmt, which Service Bus reserves."
  }
}

variable "location" {
  description = "Azure region of the namespace that is made here, such as westeurope; null where it is there already."
  type        = string
  default     = null

  validation {
    condition     = !var.create_namespace || try(length(var.location) > 0, false)
    error_message = "location is needed for the namespace that is made here. az account list-locations --query '[].name' tells the regions."
  }
}

variable "sku" {
  description = "Tier of the namespace that is made here, Standard or Premium. A change makes the namespace anew, and all that is in it is lost. The tier of one that is there is read."
  type        = string
  default     = "Standard"

  validation {
    condition     = contains(["Standard", "Premium"], var.sku)
    error_message = "sku is not Standard or Premium. Basic schedules no messages and knows neither sessions nor duplicate detection, and Longshore needs the first."
  }
}

variable "capacity" {
  description = "Messaging units of a Premium namespace that is made here: 1, 2, 4, 8 or 16."
  type        = number
  default     = 1

  validation {
    condition     = contains([1, 2, 4, 8, 16], var.capacity)
    error_message = "capacity is not 1, 2, 4, 8 or 16."
  }
}

variable "local_auth_enabled" {
  description = "Whether the namespace that is made here takes keys, and so connection strings, beside Microsoft Entra ID. Terraform's state holds its keys in either case; without this they open nothing."
  type        = bool
  default     = false
}

variable "domain" {
  description = "What follows the namespace's name in its host name. Other clouds of Azure have their own, such as servicebus.chinacloudapi.cn."
  type        = string
  default     = "servicebus.windows.net"

  validation {
    condition     = can(regex("^servicebus(\\.[a-z0-9-]+)+$", var.domain))
    error_message = "domain is not one such as servicebus.windows.net: it begins with servicebus, and has no scheme, namespace or port."
  }
}

# Retries

variable "max_attempts" {
  description = "The most attempts that a worker makes at a task: the largest MaxAttempts of its retry policies, or --max-attempts."
  type        = number
  default     = 5

  validation {
    condition     = var.max_attempts >= 1 && var.max_attempts <= 997 && floor(var.max_attempts) == var.max_attempts
    error_message = "max_attempts is not a whole number within 1 to 997. Service Bus counts to 2000 deliveries, and drains and crashes need as many again as attempts."
  }
}

variable "max_deliveries" {
  description = "After how many deliveries a worker buries a task as crashed: the largest MaxDeliveries of its retry policies. Null for the runtime's own, 2 * max_attempts + 2."
  type        = number
  default     = null

  validation {
    condition     = var.max_deliveries == null ? true : var.max_deliveries >= var.max_attempts && var.max_deliveries <= 1997 && floor(var.max_deliveries) == var.max_deliveries
    error_message = "max_deliveries is not a whole number within max_attempts to 1997."
  }
}

variable "max_delivery_count" {
  description = "After how many deliveries Service Bus itself moves a message to the dead letter, without a reason of ours. Null for the least that is safe, max_deliveries + 3."
  type        = number
  default     = null

  validation {
    condition     = var.max_delivery_count == null ? true : var.max_delivery_count >= coalesce(var.max_deliveries, 2 * var.max_attempts + 2) + 3
    error_message = "max_delivery_count is below max_deliveries + 3 (max_deliveries is 2 * max_attempts + 2 unless it is given), so Service Bus would bury tasks that have attempts left. Raise it, leave it out, or lower max_attempts."
  }
  validation {
    condition     = var.max_delivery_count == null ? true : var.max_delivery_count <= 2000 && floor(var.max_delivery_count) == var.max_delivery_count
    error_message = "max_delivery_count is not a whole number of at most 2000, which is the limit of Service Bus."
  }
}

# Time

variable "hold_seconds" {
  description = "Lock duration in seconds: how long a task is leased before its worker renews the lock, always for as long again. A short one brings the tasks of a killed worker back sooner, a long one costs fewer requests."
  type        = number
  default     = 60

  validation {
    condition     = var.hold_seconds >= 5 && var.hold_seconds <= 300 && floor(var.hold_seconds) == var.hold_seconds
    error_message = "hold_seconds is not a whole number within 5 to 300 (PT5M), which are the limits of Service Bus. A task may run for longer: its worker renews the lock."
  }
}

variable "timeout_seconds" {
  description = "The worker's limit for one attempt in seconds: its longest Timeout, or --timeout. It may be far above hold_seconds, because locks are renewed."
  type        = number
  default     = 600

  validation {
    condition     = var.timeout_seconds >= 1 && (var.retention_seconds == null ? true : var.timeout_seconds < var.retention_seconds)
    error_message = "timeout_seconds is not within 1 and retention_seconds, after which Service Bus takes the task for expired."
  }
}

variable "retention_seconds" {
  description = "How long a message may stay in the queue, in seconds; beyond that Service Bus moves it to the dead letter as expired. Retries count. Null for ever. Nothing expires in the dead letter."
  type        = number
  default     = null

  validation {
    condition     = var.retention_seconds == null ? true : var.retention_seconds >= 60 && var.retention_seconds <= 315360000 && floor(var.retention_seconds) == var.retention_seconds
    error_message = "retention_seconds is not a whole number within 60 (a minute) to 315360000 (ten years). Leave it out for no limit."
  }
}

# Delivery

variable "sessions" {
  description = "Whether the queue requires sessions: tasks of a group one at a time and in order, and each task has a group. It cannot be changed later: Terraform would make the queue anew, and the tasks in it would be lost."
  type        = bool
  default     = false
}

variable "dedup" {
  description = "Whether the queue detects duplicates: a task that is sent again under the same DedupKey within the window is dropped by Service Bus. It cannot be changed later either."
  type        = bool
  default     = false
}

variable "dedup_window_seconds" {
  description = "For how long duplicates are detected, in seconds. Without dedup it means nothing."
  type        = number
  default     = 600

  validation {
    condition     = var.dedup_window_seconds >= 20 && var.dedup_window_seconds <= 604800 && floor(var.dedup_window_seconds) == var.dedup_window_seconds
    error_message = "dedup_window_seconds is not a whole number within 20 to 604800 (7 days), which are the limits of Service Bus."
  }
}

variable "partitioning" {
  description = "Whether the queue is partitioned. On Premium it must be what the namespace is. It cannot be changed later either."
  type        = bool
  default     = false
}

variable "max_size_megabytes" {
  description = "Size of the queue in MB, dead letters included, beyond which sends fail; null for the tier's default."
  type        = number
  default     = null

  validation {
    condition     = var.max_size_megabytes == null ? true : contains([1024, 2048, 3072, 4096, 5120, 10240, 20480, 40960, 81920], var.max_size_megabytes)
    error_message = "max_size_megabytes is not 1024, 2048, 3072, 4096, 5120, 10240, 20480, 40960 or 81920."
  }
}

# Who may use it

variable "producer_principals" {
  description = "Who sends tasks, each under a name of your choice that does not change: the object id of a principal of Microsoft Entra ID, and its type: ServicePrincipal (managed identities too), User or Group."
  type        = map(object({ id = string, type = optional(string, "ServicePrincipal") }))
  default     = {}

  validation {
    condition     = alltrue([for p in values(var.producer_principals) : can(regex("^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$", p.id)) && contains(["ServicePrincipal", "User", "Group"], p.type)])
    error_message = "producer_principals has an id that is not an object id such as 00000000-0000-0000-0000-000000000000, or a type that is not ServicePrincipal, User or Group. Of a managed identity it is the principal id."
  }
  validation {
    condition     = length(var.producer_principals) == length(distinct([for p in values(var.producer_principals) : lower(p.id)]))
    error_message = "producer_principals has somebody twice, and Azure takes no role twice."
  }
}

variable "worker_principals" {
  description = "Who does tasks, in the same form. A worker may send too."
  type        = map(object({ id = string, type = optional(string, "ServicePrincipal") }))
  default     = {}

  validation {
    condition     = alltrue([for p in values(var.worker_principals) : can(regex("^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$", p.id)) && contains(["ServicePrincipal", "User", "Group"], p.type)])
    error_message = "worker_principals has an id that is not an object id such as 00000000-0000-0000-0000-000000000000, or a type that is not ServicePrincipal, User or Group. Of a managed identity it is the principal id."
  }
  validation {
    condition     = length(var.producer_principals) + length(var.worker_principals) == length(distinct([for p in concat(values(var.producer_principals), values(var.worker_principals)) : lower(p.id)]))
    error_message = "worker_principals has somebody twice, or somebody who is a producer, and Azure takes no role twice. A worker may send: leave it out of the producers."
  }
}

variable "operator_principals" {
  description = "Who lists dead letters and sends them back, in the same form."
  type        = map(object({ id = string, type = optional(string, "ServicePrincipal") }))
  default     = {}

  validation {
    condition     = alltrue([for p in values(var.operator_principals) : can(regex("^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$", p.id)) && contains(["ServicePrincipal", "User", "Group"], p.type)])
    error_message = "operator_principals has an id that is not an object id such as 00000000-0000-0000-0000-000000000000, or a type that is not ServicePrincipal, User or Group. Of yourself az ad signed-in-user show --query id tells it."
  }
  validation {
    condition     = length(var.producer_principals) + length(var.worker_principals) + length(var.operator_principals) == length(distinct([for p in concat(values(var.producer_principals), values(var.worker_principals), values(var.operator_principals)) : lower(p.id)]))
    error_message = "operator_principals has somebody twice, or somebody who is a producer or a worker, and Azure takes no role twice. An operator may send and receive: leave it out of the others."
  }
}

variable "data_owners" {
  description = "Which of worker and operator get Azure Service Bus Data Owner in place of the other roles. Only with it may they read the queue's configuration and counts, as longshore stats, longshore doctor and a worker that is given no declarations do. They may then also change and delete the queue."
  type        = set(string)
  default     = []

  validation {
    condition     = length(setsubtract(var.data_owners, ["worker", "operator"])) == 0
    error_message = "data_owners has something other than worker and operator."
  }
}

# Alerts

variable "alerts" {
  description = "Whether metric alerts of Azure Monitor are made: on the number of dead letters, and on a backlog. Service Bus has no metric of the oldest message's age."
  type        = bool
  default     = true
}

variable "action_group_ids" {
  description = "Resource ids of the action groups of Azure Monitor that alerts go to."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for id in var.action_group_ids : can(regex("^/subscriptions/[^/]+/resourcegroups/[^/]+/providers/microsoft.insights/actiongroups/[^/]+$", lower(id)))])
    error_message = "action_group_ids has something that is not /subscriptions/ID/resourceGroups/GROUP/providers/Microsoft.Insights/actionGroups/NAME."
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

variable "alert_backlog" {
  description = "From how many tasks on, waiting or leased, there is an alert, when there are never fewer for 15 minutes. Delayed tasks do not count before they are due."
  type        = number
  default     = 1000

  validation {
    condition     = var.alert_backlog >= 1 && floor(var.alert_backlog) == var.alert_backlog
    error_message = "alert_backlog is not a whole number of 1 or more."
  }
}

variable "tags" {
  description = "Tags of the namespace that is made here and of the alerts. A queue has none."
  type        = map(string)
  default     = {}

  validation {
    condition     = length(var.tags) <= 50 && alltrue([for key, value in var.tags : can(regex("^[^<>%&\\\\?/]{1,512}$", key)) && length(value) <= 256])
    error_message = "tags has more than 50 tags, a key that is not 1 to 512 characters without <>%&\\?/, or a value of more than 256 characters."
  }
}
