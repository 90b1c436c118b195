variable "name" {
  description = "Name of the function: letters, digits, hyphens and underscores. Its log group and its alarms begin with it."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z0-9_-]{1,57}$", var.name))
    error_message = "The name has not 1 to 57 letters, digits, hyphens and underscores, which is what leaves room for -lambda in the name of a role."
  }
}

variable "role_name" {
  description = "Name of the function's role; null for that of the function with -lambda at its end. Roles are of all regions: give one where a function of this name is in another region of the account."
  type        = string
  default     = null

  validation {
    condition     = var.role_name == null ? true : can(regex("^[A-Za-z0-9_+=,.@-]{1,64}$", var.role_name))
    error_message = "role_name has not 1 to 64 letters, digits and _+=,.@-."
  }
}

# The program

variable "package_path" {
  description = "Path of the zip file with the program, which is called bootstrap in it. It is relative to where Terraform runs: begin it with path.module or path.root."
  type        = string

  validation {
    condition     = endswith(var.package_path, ".zip")
    error_message = "package_path does not end with .zip. AWS Lambda takes a program as a zip file with the executable bootstrap in it."
  }
  validation {
    condition     = fileexists(var.package_path)
    error_message = "There is no file at package_path. Build it first: make bootstrap."
  }
}

variable "architecture" {
  description = "Processor that the program was built for: arm64, which costs less, or x86_64."
  type        = string
  default     = "arm64"

  validation {
    condition     = contains(["arm64", "x86_64"], var.architecture)
    error_message = "architecture is neither arm64 nor x86_64. What Go calls amd64 is x86_64 here."
  }
}

variable "timeout_seconds" {
  description = "How long the function may run for one batch, in seconds. The queue's visibility timeout must be six times as long."
  type        = number
  default     = 60

  validation {
    condition     = var.timeout_seconds >= 1 && var.timeout_seconds <= 900 && floor(var.timeout_seconds) == var.timeout_seconds
    error_message = "timeout_seconds is not a whole number within 1 to 900, which is the limit of AWS Lambda."
  }
}

variable "memory_megabytes" {
  description = "Memory of the function in MB. The share of a processor follows from it."
  type        = number
  default     = 256

  validation {
    condition     = var.memory_megabytes >= 128 && var.memory_megabytes <= 10240 && floor(var.memory_megabytes) == var.memory_megabytes
    error_message = "memory_megabytes is not a whole number within 128 to 10240, which are the limits of AWS Lambda."
  }
}

variable "environment" {
  description = "Environment of the program. It stands in Terraform's state: no secrets."
  type        = map(string)
  default     = {}

  validation {
    condition     = alltrue([for key in keys(var.environment) : can(regex("^[A-Za-z][A-Za-z0-9_]+$", key))])
    error_message = "environment has a name that is not two or more letters, digits and underscores with a letter first."
  }
  validation {
    condition = length(setintersection(keys(var.environment), [
      "AWS_ACCESS_KEY", "AWS_ACCESS_KEY_ID", "AWS_DEFAULT_REGION", "AWS_EXECUTION_ENV", "AWS_REGION", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "LAMBDA_RUNTIME_DIR", "LAMBDA_TASK_ROOT",
    ])) == 0 && alltrue([for key in keys(var.environment) : !startswith(key, "AWS_LAMBDA_")])
    error_message = "environment has a name that AWS Lambda sets itself, such as AWS_REGION or one that begins with AWS_LAMBDA_."
  }
  validation {
    condition     = sum(concat([0], [for key, value in var.environment : length(key) + length(value)])) <= 4096
    error_message = "environment has more than 4,096 characters, which is the limit of AWS Lambda. Put a configuration file into the zip file."
  }
}

# The queue

variable "queue_arn" {
  description = "ARN of the queue: output queue_arn of module sqs-queue."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^arn:[a-z-]+:sqs:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]+(\\.fifo)?$", var.queue_arn))
    error_message = "queue_arn is not the ARN of a queue, arn:aws:sqs:REGION:ACCOUNT:NAME."
  }
}

variable "dead_letter_arn" {
  description = "ARN of the queue's dead letter: output dead_letter_arn of module sqs-queue. Its redrive policy must name it."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^arn:[a-z-]+:sqs:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]+(\\.fifo)?$", var.dead_letter_arn))
    error_message = "dead_letter_arn is not the ARN of a queue, arn:aws:sqs:REGION:ACCOUNT:NAME. Without a dead letter poison tasks come back until they expire."
  }
}

variable "visibility_timeout_seconds" {
  description = "The queue's visibility timeout in seconds: output hold_seconds of module sqs-queue. At least six times timeout_seconds, and maximum_batching_window_seconds on top."
  type        = number
  nullable    = false

  validation {
    condition     = var.visibility_timeout_seconds >= 1 && var.visibility_timeout_seconds <= 43200
    error_message = "visibility_timeout_seconds is not within 1 to 43200 (12 hours), which is the limit of Amazon SQS."
  }
}

variable "max_receive_count" {
  description = "After how many receives Amazon SQS itself moves a message of the queue to its dead letter: output max_receive_count of module sqs-queue."
  type        = number
  nullable    = false

  validation {
    condition     = var.max_receive_count >= 1 && var.max_receive_count <= 1000
    error_message = "max_receive_count is not within 1 to 1000, which are the limits of Amazon SQS."
  }
}

variable "kms_key_arn" {
  description = "ARN of the key of AWS KMS that encrypts the queue and its dead letter, which the function must be allowed to use; null for SSE-SQS."
  type        = string
  default     = null

  validation {
    condition     = var.kms_key_arn == null ? true : can(regex("^arn:[a-z-]+:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+$", var.kms_key_arn))
    error_message = "kms_key_arn is not the ARN of a key, arn:aws:kms:REGION:ACCOUNT:key/ID. An alias does not do, because the policy names the key."
  }
}

variable "may_list_mappings" {
  description = "Whether the function may list event source mappings, as it does at a cold start to see that its own reports failures by message. AWS grants that for all of the account's only."
  type        = bool
  default     = false
}

# What is polled, and how much of it at a time

variable "enabled" {
  description = "Whether the queue is polled. False to pause: tasks then wait in the queue."
  type        = bool
  default     = true
}

variable "batch_size" {
  description = "The most tasks of one invocation. Above 10 maximum_batching_window_seconds must be 1 or more; a FIFO queue gives 10 at most."
  type        = number
  default     = 10

  validation {
    condition     = var.batch_size >= 1 && var.batch_size <= 10000 && floor(var.batch_size) == var.batch_size
    error_message = "batch_size is not a whole number within 1 to 10000, which are the limits of AWS Lambda."
  }
  validation {
    condition     = var.batch_size <= 10 || !endswith(var.queue_arn, ".fifo")
    error_message = "batch_size is above 10, which is the most of a FIFO queue."
  }
  validation {
    condition     = var.batch_size <= 10 || var.maximum_batching_window_seconds >= 1 || endswith(var.queue_arn, ".fifo")
    error_message = "batch_size is above 10, for which maximum_batching_window_seconds must be 1 or more: without a window AWS Lambda gathers no more than one receive gives."
  }
}

variable "maximum_batching_window_seconds" {
  description = "How long AWS Lambda gathers tasks for a batch, in seconds; 0 to invoke at once. A FIFO queue has no window."
  type        = number
  default     = 0

  validation {
    condition     = var.maximum_batching_window_seconds >= 0 && var.maximum_batching_window_seconds <= 300 && floor(var.maximum_batching_window_seconds) == var.maximum_batching_window_seconds
    error_message = "maximum_batching_window_seconds is not a whole number within 0 to 300, which is the limit of AWS Lambda."
  }
  validation {
    condition     = var.maximum_batching_window_seconds == 0 || !endswith(var.queue_arn, ".fifo")
    error_message = "maximum_batching_window_seconds is for standard queues. Leave it out for a FIFO queue."
  }
}

variable "maximum_concurrency" {
  description = "The most invocations at a time for this queue, 2 to 1000; null for as many as AWS Lambda scales to. With it no message is received only to be throttled."
  type        = number
  default     = null

  validation {
    condition     = var.maximum_concurrency == null ? true : var.maximum_concurrency >= 2 && var.maximum_concurrency <= 1000 && floor(var.maximum_concurrency) == var.maximum_concurrency
    error_message = "maximum_concurrency is not a whole number within 2 to 1000, which are the limits of AWS Lambda."
  }
}

variable "reserved_concurrency" {
  description = "Concurrency that is kept for this function out of the account's, and the most that it gets; null for none."
  type        = number
  default     = null

  validation {
    condition     = var.reserved_concurrency == null ? true : var.reserved_concurrency >= 1 && floor(var.reserved_concurrency) == var.reserved_concurrency
    error_message = "reserved_concurrency is not a whole number of 1 or more. With 0 every poll would cost messages one of their receives; set enabled to false to pause."
  }
  validation {
    condition     = var.reserved_concurrency == null ? true : var.maximum_concurrency == null ? false : var.reserved_concurrency >= var.maximum_concurrency
    error_message = "reserved_concurrency needs a maximum_concurrency that is no more than it. AWS Lambda would receive messages beyond it, throttle them, and each time cost them one of their receives."
  }
}

# Logs and alarms

variable "log_retention_days" {
  description = "How long the log group keeps the function's logs, in days."
  type        = number
  default     = 30

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.log_retention_days)
    error_message = "log_retention_days is none that CloudWatch Logs takes: 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288 or 3653."
  }
}

variable "alarms" {
  description = "Whether CloudWatch alarms are made: on errors, throttles and the duration of the function, and on the age of the oldest task."
  type        = bool
  default     = true
}

variable "alarm_actions" {
  description = "ARNs of what alarms go to, and their end, such as Amazon SNS topics."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for arn in var.alarm_actions : can(regex("^arn:[a-z-]+:[a-z0-9-]+:[a-z0-9-]*:[0-9]{12}:.+$", arn)) || can(regex("^arn:[a-z-]+:automate:[a-z0-9-]+:.+$", arn))])
    error_message = "alarm_actions has something that is not an ARN, such as arn:aws:sns:REGION:ACCOUNT:NAME."
  }
}

variable "alarm_duration_percent" {
  description = "From which share of timeout_seconds on the 99th percentile of the function's duration is an alarm, in percent."
  type        = number
  default     = 80

  validation {
    condition     = var.alarm_duration_percent >= 10 && var.alarm_duration_percent <= 99
    error_message = "alarm_duration_percent is not within 10 to 99."
  }
}

variable "alarm_oldest_age_seconds" {
  description = "From which age of the queue's oldest task in seconds on there is an alarm, when it lasts for five minutes; null for none, where module sqs-queue makes one."
  type        = number
  default     = 3600

  validation {
    condition     = var.alarm_oldest_age_seconds == null ? true : var.alarm_oldest_age_seconds >= 60 && var.alarm_oldest_age_seconds <= 1209600
    error_message = "alarm_oldest_age_seconds is not within 60 to 1209600 (14 days), after which tasks vanish."
  }
}

variable "tags" {
  description = "Tags of the function, its role, its log group and the alarms."
  type        = map(string)
  default     = {}
}
