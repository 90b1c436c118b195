locals {
  # Alarms of Lambda's own metrics, each from this number on in one minute.
  counted = {
    errors = {
      metric      = "Errors"
      description = "Invocations of ${var.name} fail as a whole: it cannot start, runs out of time or memory, or gets events that do not decode. Single tasks that fail are no errors of the function."
    }
    throttles = {
      metric      = "Throttles"
      description = "Invocations of ${var.name} are throttled, which costs tasks receives: the account's concurrency is used up, or maximum_concurrency is above what the function gets."
    }
  }
}

resource "aws_cloudwatch_metric_alarm" "counted" {
  for_each = var.alarms ? local.counted : {}

  alarm_name        = "${var.name}-function-${each.key}"
  alarm_description = each.value.description

  namespace           = "AWS/Lambda"
  metric_name         = each.value.metric
  dimensions          = { FunctionName = aws_lambda_function.this.function_name }
  statistic           = "Sum"
  period              = 60
  evaluation_periods  = 1
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  treat_missing_data  = "notBreaching"

  alarm_actions = var.alarm_actions
  ok_actions    = var.alarm_actions
  tags          = var.tags
}

resource "aws_cloudwatch_metric_alarm" "duration" {
  count = var.alarms ? 1 : 0

  alarm_name        = "${var.name}-function-duration"
  alarm_description = "Invocations of ${var.name} take ${var.alarm_duration_percent} % of their ${var.timeout_seconds} s or more: tasks are put off. Lower batch_size, raise timeout_seconds, or see what is slow."

  namespace           = "AWS/Lambda"
  metric_name         = "Duration"
  dimensions          = { FunctionName = aws_lambda_function.this.function_name }
  extended_statistic  = "p99"
  period              = 60
  evaluation_periods  = 5
  comparison_operator = "GreaterThanThreshold"
  threshold           = var.timeout_seconds * 10 * var.alarm_duration_percent # milliseconds
  treat_missing_data  = "notBreaching"

  alarm_actions = var.alarm_actions
  ok_actions    = var.alarm_actions
  tags          = var.tags
}

resource "aws_cloudwatch_metric_alarm" "oldest_age" {
  count = var.alarms && var.alarm_oldest_age_seconds != null ? 1 : 0

  alarm_name        = "${var.name}-function-oldest-age"
  alarm_description = "A task of ${local.queue_name} waits for ${var.alarm_oldest_age_seconds} s or more: ${var.name} is paused, throttled or too slow, or a task is retried for long."

  namespace           = "AWS/SQS"
  metric_name         = "ApproximateAgeOfOldestMessage"
  dimensions          = { QueueName = local.queue_name }
  statistic           = "Maximum"
  period              = 60
  evaluation_periods  = 5
  comparison_operator = "GreaterThanOrEqualToThreshold"
  threshold           = var.alarm_oldest_age_seconds
  treat_missing_data  = "notBreaching"

  alarm_actions = var.alarm_actions
  ok_actions    = var.alarm_actions
  tags          = var.tags
}
