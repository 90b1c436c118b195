# A queue on which a Longshore worker starts: with a dead letter, which keeps
# messages for longer than the queue, and a limit of Amazon SQS's own that leaves
# every decision about a task to the worker.

locals {
  suffix            = var.fifo ? ".fifo" : ""
  max_deliveries    = coalesce(var.max_deliveries, 2 * var.max_attempts + 2)
  max_receive_count = coalesce(var.max_receive_count, local.max_deliveries + 3)
}

resource "aws_sqs_queue" "dead" {
  name                      = "${var.name}${var.dead_letter_suffix}${local.suffix}"
  message_retention_seconds = var.dead_letter_retention_seconds
  # A redrive and a look at dead letters lease them for as long.
  visibility_timeout_seconds = var.hold_seconds

  fifo_queue                  = var.fifo
  content_based_deduplication = var.fifo ? var.content_based_deduplication : null
  deduplication_scope         = local.deduplication_scope
  fifo_throughput_limit       = local.throughput_limit

  sqs_managed_sse_enabled           = local.managed_encryption
  kms_master_key_id                 = var.kms_key_arn
  kms_data_key_reuse_period_seconds = local.key_reuse

  tags = var.tags
}

resource "aws_sqs_queue" "this" {
  name                       = "${var.name}${local.suffix}"
  message_retention_seconds  = var.retention_seconds
  visibility_timeout_seconds = var.hold_seconds
  receive_wait_time_seconds  = 20 # for other consumers: each empty answer costs a request

  redrive_policy = jsonencode({
    deadLetterTargetArn = aws_sqs_queue.dead.arn
    maxReceiveCount     = local.max_receive_count
  })

  fifo_queue                  = var.fifo
  content_based_deduplication = var.fifo ? var.content_based_deduplication : null
  deduplication_scope         = local.deduplication_scope
  fifo_throughput_limit       = local.throughput_limit

  sqs_managed_sse_enabled           = local.managed_encryption
  kms_master_key_id                 = var.kms_key_arn
  kms_data_key_reuse_period_seconds = local.key_reuse

  tags = var.tags
}

# Nobody else may use the dead letter as theirs.
resource "aws_sqs_queue_redrive_allow_policy" "dead" {
  queue_url = aws_sqs_queue.dead.id

  redrive_allow_policy = jsonencode({
    redrivePermission = "byQueue"
    sourceQueueArns   = [aws_sqs_queue.this.arn]
  })
}

locals {
  deduplication_scope = !var.fifo ? null : var.high_throughput ? "messageGroup" : "queue"
  throughput_limit    = !var.fifo ? null : var.high_throughput ? "perMessageGroupId" : "perQueue"
  managed_encryption  = var.kms_key_arn == null ? true : null
  key_reuse           = var.kms_key_arn == null ? null : var.kms_data_key_reuse_seconds
}
