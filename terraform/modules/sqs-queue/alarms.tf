resource "aws_cloudwatch_metric_alarm" "dead_letters" {
  count = var.alarms ? 1 : 0

  alarm_name        = "${aws_sqs_queue.dead.name}-messages"
  alarm_description = "Tasks of ${aws_sqs_queue.this.name} are dead. longshore dlq list says why, longshore dlq redrive sends them back."

  namespace           = "AWS/SQS"
  metric_name         = "ApproximateNumberOfMessagesVisible"
  dimensions          = { QueueName = aws_sqs_queue.dead.name }
  statistic           = "Maximum"
  period              = 60
  evaluation_periods  = 1
  comparison_operator = "GreaterThanOrEqualToThreshold"
  threshold           = var.alarm_dead_letters
  treat_missing_data  = "notBreaching"

  alarm_actions = var.alarm_topic_arns
  ok_actions    = var.alarm_topic_arns
  tags          = var.tags
}

resource "aws_cloudwatch_metric_alarm" "oldest_age" {
  count = var.alarms ? 1 : 0

  alarm_name        = "${aws_sqs_queue.this.name}-oldest-age"
  alarm_description = "A task of ${aws_sqs_queue.this.name} waits for ${var.alarm_oldest_age_seconds} s or more: workers are down, too few, or a task is retried for long."

  namespace           = "AWS/SQS"
  metric_name         = "ApproximateAgeOfOldestMessage"
  dimensions          = { QueueName = aws_sqs_queue.this.name }
  statistic           = "Maximum"
  period              = 60
  evaluation_periods  = 5
  comparison_operator = "GreaterThanOrEqualToThreshold"
  threshold           = var.alarm_oldest_age_seconds
  treat_missing_data  = "notBreaching"

  alarm_actions = var.alarm_topic_arns
  ok_actions    = var.alarm_topic_arns
  tags          = var.tags
}
