# A Longshore worker on AWS Lambda: a function that a queue's event source mapping
# invokes, which reports each failed message by itself.

resource "aws_lambda_function" "this" {
  function_name = var.name
  description   = "Does the tasks of ${local.queue_name}"
  role          = aws_iam_role.this.arn

  runtime          = "provided.al2023"
  handler          = "bootstrap"
  architectures    = [var.architecture]
  filename         = var.package_path
  source_code_hash = filebase64sha256(var.package_path)

  timeout                        = var.timeout_seconds
  memory_size                    = var.memory_megabytes
  reserved_concurrent_executions = var.reserved_concurrency == null ? -1 : var.reserved_concurrency

  dynamic "environment" {
    for_each = length(var.environment) == 0 ? [] : [var.environment]

    content {
      variables = environment.value
    }
  }

  tags = var.tags

  # Else the first invocation makes a log group that keeps its logs for ever.
  depends_on = [aws_cloudwatch_log_group.this, aws_iam_role_policy.this]
}

# Nothing here makes AWS Lambda drop a message: there are no filters, which delete what
# they do not match, and no destination.
resource "aws_lambda_event_source_mapping" "this" {
  event_source_arn = var.queue_arn
  function_name    = aws_lambda_function.this.arn
  enabled          = var.enabled

  # Without it one failed message brings its whole batch back, what is done too.
  function_response_types = ["ReportBatchItemFailures"]

  batch_size                         = var.batch_size
  maximum_batching_window_in_seconds = var.maximum_batching_window_seconds

  dynamic "scaling_config" {
    for_each = var.maximum_concurrency == null ? [] : [var.maximum_concurrency]

    content {
      maximum_concurrency = scaling_config.value
    }
  }

  lifecycle {
    precondition {
      condition     = var.visibility_timeout_seconds >= 6 * var.timeout_seconds + var.maximum_batching_window_seconds
      error_message = "The queue's visibility timeout of ${var.visibility_timeout_seconds} s is below six times timeout_seconds and maximum_batching_window_seconds, ${6 * var.timeout_seconds + var.maximum_batching_window_seconds} s: tasks of a throttled function would run twice at a time. Raise hold_seconds of module sqs-queue, or lower timeout_seconds."
    }
    precondition {
      condition     = var.max_receive_count >= 5
      error_message = "The queue's max_receive_count of ${var.max_receive_count} is below 5: a few throttled or drained invocations would bury tasks that never failed."
    }
    precondition {
      condition     = var.dead_letter_arn != var.queue_arn
      error_message = "dead_letter_arn is the queue itself. Dead tasks would come back for ever."
    }
    precondition {
      condition     = endswith(var.dead_letter_arn, ".fifo") == endswith(var.queue_arn, ".fifo")
      error_message = "Of the queue and its dead letter only one is FIFO. Amazon SQS takes two of a kind only."
    }
    precondition {
      condition     = slice(split(":", var.dead_letter_arn), 0, 5) == slice(split(":", var.queue_arn), 0, 5)
      error_message = "The dead letter is of another account or region than the queue. Amazon SQS takes one of the same only."
    }
  }
}

resource "aws_cloudwatch_log_group" "this" {
  name              = "/aws/lambda/${var.name}"
  retention_in_days = var.log_retention_days

  tags = var.tags
}

locals {
  queue_name = element(split(":", var.queue_arn), 5)
}
