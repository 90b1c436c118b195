variable "name" {
  description = "Name of the queue, without .fifo: letters, digits, hyphens and underscores. The dead letter has it too, with dead_letter_suffix."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z0-9_-]+$", var.name))
    error_message = "The name has a character other than letters, digits, hyphens and underscores. Leave .fifo to the variable fifo."
  }
  validation {
    condition     = length(var.name) + length(var.dead_letter_suffix) + (var.fifo ? 5 : 0) <= 80
    error_message = "The name of the dead letter, which is name and dead_letter_suffix and for FIFO .fifo, has more than the 80 characters of Amazon SQS."
  }
}

variable "dead_letter_suffix" {
  description = "What the dead letter's name has after that of the queue."
  type        = string
  default     = "-dead"

  validation {
    condition     = can(regex("^[A-Za-z0-9_-]+$", var.dead_letter_suffix))
    error_message = "dead_letter_suffix is one or more letters, digits, hyphens and underscores."
  }
}

# Retries

variable "max_attempts" {
  description = "The most attempts that a worker makes at a task: the largest MaxAttempts of its retry policies, or --max-attempts."
  type        = number
  default     = 5

  validation {
    condition     = var.max_attempts >= 1 && var.max_attempts <= 497 && floor(var.max_attempts) == var.max_attempts
    error_message = "max_attempts is not a whole number within 1 to 497. Amazon SQS counts to 1,000 receives, and drains and crashes need as many again as attempts."
  }
}

variable "max_deliveries" {
  description = "After how many deliveries a worker buries a task as crashed: the largest MaxDeliveries of its retry policies. Null for the runtime's own, 2 * max_attempts + 2."
  type        = number
  default     = null

  validation {
    condition     = var.max_deliveries == null ? true : var.max_deliveries >= var.max_attempts && var.max_deliveries <= 997 && floor(var.max_deliveries) == var.max_deliveries
    error_message = "max_deliveries is not a whole number within max_attempts to 997."
  }
}

variable "max_receive_count" {
  description = "After how many receives Amazon SQS itself moves a message to the dead letter, without a reason. Null for the least that is safe, max_deliveries + 3."
  type        = number
  default     = null

  validation {
    condition     = var.max_receive_count == null ? true : var.max_receive_count >= coalesce(var.max_deliveries, 2 * var.max_attempts + 2) + 3
    error_message = "max_receive_count is below max_deliveries + 3 (max_deliveries is 2 * max_attempts + 2 unless it is given), so Amazon SQS would bury tasks that have attempts left. Raise it, leave it out, or lower max_attempts."
  }
  validation {
    condition     = var.max_receive_count == null ? true : var.max_receive_count <= 1000 && floor(var.max_receive_count) == var.max_receive_count
    error_message = "max_receive_count is not a whole number of at most 1000, which is the limit of Amazon SQS."
  }
}

# Time

variable "hold_seconds" {
  description = "Visibility timeout in seconds: how long a task is leased before its worker extends the lease. A short one brings the tasks of a killed worker back sooner, a long one costs fewer requests."
  type        = number
  default     = 30

  validation {
    condition     = var.hold_seconds >= 10 && var.hold_seconds <= 43140 && floor(var.hold_seconds) == var.hold_seconds
    error_message = "hold_seconds is not a whole number within 10 to 43140 (11h59m). Below 10 s a pause of the network or a busy machine loses leases."
  }
  validation {
    condition     = var.lambda_timeout_seconds == null ? true : var.hold_seconds >= 6 * var.lambda_timeout_seconds
    error_message = "hold_seconds is below six times lambda_timeout_seconds, which AWS asks for on a queue that a function polls: one that is throttled would see its messages again too early."
  }
}

variable "timeout_seconds" {
  description = "The worker's limit for one attempt in seconds: its longest Timeout, or --timeout. It may be far above hold_seconds, because leases are extended."
  type        = number
  default     = 600

  validation {
    condition     = var.timeout_seconds >= 1 && var.timeout_seconds < 43080
    error_message = "timeout_seconds is not within 1 to 43079. Amazon SQS keeps a lease for 12 hours in all, of which two minutes are kept back."
  }
}

variable "lambda_timeout_seconds" {
  description = "Timeout in seconds of an AWS Lambda function that polls this queue; null when workers do. With it hold_seconds must be at least six times as long."
  type        = number
  default     = null

  validation {
    condition     = var.lambda_timeout_seconds == null ? true : var.lambda_timeout_seconds >= 1 && var.lambda_timeout_seconds <= 900
    error_message = "lambda_timeout_seconds is not within 1 to 900, which is the limit of AWS Lambda."
  }
}

variable "retention_seconds" {
  description = "How long the queue keeps a message that nobody has done, in seconds."
  type        = number
  default     = 345600

  validation {
    condition     = var.retention_seconds >= 60 && var.retention_seconds <= 1209600 && floor(var.retention_seconds) == var.retention_seconds
    error_message = "retention_seconds is not a whole number within 60 to 1209600 (14 days)."
  }
  validation {
    condition     = var.retention_seconds < var.dead_letter_retention_seconds
    error_message = "retention_seconds is not below dead_letter_retention_seconds. What Amazon SQS itself moves to the dead letter of a standard queue keeps the time of its first send, so it would vanish at once or soon after its death."
  }
}

variable "dead_letter_retention_seconds" {
  description = "How long the dead letter keeps a message, in seconds: of what a worker buried from then on, of what Amazon SQS itself moved there on a standard queue from its first send. By default the longest that there is, 14 days."
  type        = number
  default     = 1209600

  validation {
    condition     = var.dead_letter_retention_seconds >= 60 && var.dead_letter_retention_seconds <= 1209600 && floor(var.dead_letter_retention_seconds) == var.dead_letter_retention_seconds
    error_message = "dead_letter_retention_seconds is not a whole number within 60 to 1209600 (14 days)."
  }
}

# Order

variable "fifo" {
  description = "Whether this is a FIFO queue: tasks of a group one at a time and in order. Its name and its dead letter's end in .fifo. It cannot be changed later."
  type        = bool
  default     = false
}

variable "content_based_deduplication" {
  description = "Whether a FIFO queue makes a deduplication id from the body, for producers that give none. Longshore always gives one."
  type        = bool
  default     = false

  validation {
    condition     = !var.content_based_deduplication || var.fifo
    error_message = "content_based_deduplication is for FIFO queues. Set fifo, or leave it out."
  }
}

variable "high_throughput" {
  description = "Whether a FIFO queue has its quota, and deduplicates, for each group in place of the whole queue."
  type        = bool
  default     = false

  validation {
    condition     = !var.high_throughput || var.fifo
    error_message = "high_throughput is for FIFO queues. Set fifo, or leave it out."
  }
}

# Encryption

variable "kms_key_arn" {
  description = "ARN of a key of AWS KMS that encrypts both queues; null for SSE-SQS, whose keys Amazon SQS manages at no charge."
  type        = string
  default     = null

  validation {
    condition     = var.kms_key_arn == null ? true : can(regex("^arn:[a-z-]+:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+$", var.kms_key_arn))
    error_message = "kms_key_arn is not the ARN of a key, arn:aws:kms:REGION:ACCOUNT:key/ID. An alias does not do, because the policies name the key."
  }
}

variable "kms_data_key_reuse_seconds" {
  description = "How long Amazon SQS uses a data key before it asks AWS KMS again, in seconds. Longer costs less."
  type        = number
  default     = 300

  validation {
    condition     = var.kms_data_key_reuse_seconds >= 60 && var.kms_data_key_reuse_seconds <= 86400
    error_message = "kms_data_key_reuse_seconds is not within 60 to 86400 (24 hours)."
  }
}

# Alarms

variable "alarms" {
  description = "Whether CloudWatch alarms are made: on the number of dead letters, and on the age of the oldest task."
  type        = bool
  default     = true
}

variable "alarm_topic_arns" {
  description = "ARNs of the Amazon SNS topics that alarms go to, and their end."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for arn in var.alarm_topic_arns : can(regex("^arn:[a-z-]+:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_.-]+$", arn))])
    error_message = "alarm_topic_arns has something that is not the ARN of a topic, arn:aws:sns:REGION:ACCOUNT:NAME."
  }
}

variable "alarm_dead_letters" {
  description = "From how many dead letters on there is an alarm."
  type        = number
  default     = 1

  validation {
    condition     = var.alarm_dead_letters >= 1 && floor(var.alarm_dead_letters) == var.alarm_dead_letters
    error_message = "alarm_dead_letters is not a whole number of 1 or more."
  }
}

variable "alarm_oldest_age_seconds" {
  description = "From which age of the oldest task in seconds on there is an alarm, when it lasts for five minutes."
  type        = number
  default     = 3600

  validation {
    condition     = !var.alarms || var.alarm_oldest_age_seconds >= 60 && var.alarm_oldest_age_seconds < var.retention_seconds
    error_message = "alarm_oldest_age_seconds is not within 60 and retention_seconds, after which tasks vanish."
  }
}

variable "tags" {
  description = "Tags of the queues and the alarms."
  type        = map(string)
  default     = {}
}
