# What the module makes. The provider is a mock: nothing is called.

mock_provider "aws" {
  override_resource {
    target = aws_sqs_queue.this
    values = {
      arn = "arn:aws:sqs:eu-west-1:123456789012:orders"
      id  = "https://sqs.eu-west-1.amazonaws.com/123456789012/orders"
      url = "https://sqs.eu-west-1.amazonaws.com/123456789012/orders"
    }
  }
  override_resource {
    target = aws_sqs_queue.dead
    values = {
      arn = "arn:aws:sqs:eu-west-1:123456789012:orders-dead"
      id  = "https://sqs.eu-west-1.amazonaws.com/123456789012/orders-dead"
      url = "https://sqs.eu-west-1.amazonaws.com/123456789012/orders-dead"
    }
  }
}

variables {
  name = "orders"
}

run "defaults" {
  assert {
    condition     = output.url == "sqs://sqs.eu-west-1.amazonaws.com/123456789012/orders?region=eu-west-1"
    error_message = "url is ${output.url}"
  }
  assert {
    condition     = output.url_declared == "${output.url}&hold=30s&max_receives=15&dead_letter=orders-dead"
    error_message = "url_declared is ${output.url_declared}"
  }
  assert {
    condition     = output.retention_seconds == aws_sqs_queue.this.message_retention_seconds && output.dead_letter_retention_seconds == aws_sqs_queue.dead.message_retention_seconds
    error_message = "the queue keeps messages for ${output.retention_seconds} s, its dead letter for ${output.dead_letter_retention_seconds} s"
  }
  assert {
    condition     = output.doctor_command == "longshore doctor --queue '${output.url_declared}' --max-attempts 5 --timeout 600s"
    error_message = "doctor_command is ${output.doctor_command}"
  }
  assert {
    condition     = jsondecode(aws_sqs_queue.this.redrive_policy) == { deadLetterTargetArn = aws_sqs_queue.dead.arn, maxReceiveCount = 15 }
    error_message = "redrive policy ${aws_sqs_queue.this.redrive_policy}"
  }
  assert {
    condition     = jsondecode(aws_sqs_queue_redrive_allow_policy.dead.redrive_allow_policy) == { redrivePermission = "byQueue", sourceQueueArns = [aws_sqs_queue.this.arn] }
    error_message = "redrive allow policy ${aws_sqs_queue_redrive_allow_policy.dead.redrive_allow_policy}"
  }
  assert {
    condition     = aws_sqs_queue.dead.message_retention_seconds == 1209600 && aws_sqs_queue.this.message_retention_seconds == 345600
    error_message = "the retentions are not 14 and 4 days"
  }
  assert {
    condition     = aws_sqs_queue.this.visibility_timeout_seconds == 30 && aws_sqs_queue.dead.visibility_timeout_seconds == 30
    error_message = "the holds are not 30 s"
  }
  assert {
    condition     = output.hold_seconds == 30
    error_message = "hold_seconds is ${output.hold_seconds}"
  }
  assert {
    condition     = aws_sqs_queue.this.sqs_managed_sse_enabled && aws_sqs_queue.dead.sqs_managed_sse_enabled && aws_sqs_queue.this.kms_master_key_id == null
    error_message = "the queues are not encrypted by SSE-SQS"
  }
  assert {
    condition     = !aws_sqs_queue.this.fifo_queue && !aws_sqs_queue.dead.fifo_queue
    error_message = "it is a FIFO queue"
  }
  assert {
    condition     = length(output.alarm_arns) == 2 && aws_cloudwatch_metric_alarm.dead_letters[0].dimensions.QueueName == "orders-dead" && aws_cloudwatch_metric_alarm.oldest_age[0].dimensions.QueueName == "orders"
    error_message = "the alarms watch something else"
  }
}

run "policies_are_the_least" {
  assert {
    condition     = { for s in jsondecode(output.producer_policy_json).Statement : s.Resource[0] => s.Action } == { "arn:aws:sqs:eu-west-1:123456789012:orders" = ["sqs:GetQueueUrl", "sqs:SendMessage"] }
    error_message = "producer: ${output.producer_policy_json}"
  }
  assert {
    condition = { for s in jsondecode(output.worker_policy_json).Statement : s.Resource[0] => s.Action } == {
      "arn:aws:sqs:eu-west-1:123456789012:orders"      = ["sqs:ChangeMessageVisibility", "sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:GetQueueUrl", "sqs:ReceiveMessage", "sqs:SendMessage"]
      "arn:aws:sqs:eu-west-1:123456789012:orders-dead" = ["sqs:GetQueueAttributes", "sqs:GetQueueUrl", "sqs:SendMessage"]
    }
    error_message = "worker: ${output.worker_policy_json}"
  }
  assert {
    condition     = alltrue([for p in [output.producer_policy_json, output.worker_policy_json, output.operator_policy_json] : !strcontains(p, "*") && !strcontains(p, "kms:")])
    error_message = "a policy has a wildcard, or a key that there is none of"
  }
}

run "with_a_key" {
  variables {
    kms_key_arn = "arn:aws:kms:eu-west-1:123456789012:key/0a1b2c3d-0000-0000-0000-000000000000"
  }
  assert {
    condition     = aws_sqs_queue.this.kms_master_key_id == var.kms_key_arn && aws_sqs_queue.dead.kms_master_key_id == var.kms_key_arn && aws_sqs_queue.this.kms_data_key_reuse_period_seconds == 300
    error_message = "the queues are not encrypted by the key"
  }
  assert {
    condition     = alltrue([for p in [output.producer_policy_json, output.worker_policy_json, output.operator_policy_json] : contains([for s in jsondecode(p).Statement : s.Resource[0] if contains(s.Action, "kms:GenerateDataKey")], var.kms_key_arn)])
    error_message = "a policy does not allow the key"
  }
}

run "fifo" {
  variables {
    fifo                        = true
    content_based_deduplication = true
    high_throughput             = true
  }
  assert {
    condition     = aws_sqs_queue.this.name == "orders.fifo" && aws_sqs_queue.dead.name == "orders-dead.fifo" && aws_sqs_queue.this.fifo_queue && aws_sqs_queue.dead.fifo_queue
    error_message = "the queues are ${aws_sqs_queue.this.name} and ${aws_sqs_queue.dead.name}"
  }
  assert {
    condition     = aws_sqs_queue.this.content_based_deduplication && aws_sqs_queue.this.deduplication_scope == "messageGroup" && aws_sqs_queue.this.fifo_throughput_limit == "perMessageGroupId"
    error_message = "it has no high throughput"
  }
}

run "limits_follow_from_the_attempts" {
  variables {
    max_attempts = 10
  }
  assert {
    condition     = output.max_receive_count == 25
    error_message = "max_receive_count is ${output.max_receive_count}"
  }
}

run "limits_follow_from_the_deliveries" {
  variables {
    max_deliveries = 5
  }
  assert {
    condition     = output.max_receive_count == 8
    error_message = "max_receive_count is ${output.max_receive_count}"
  }
}

run "without_alarms" {
  variables {
    alarms = false
  }
  assert {
    condition     = length(output.alarm_arns) == 0
    error_message = "there are alarms"
  }
}

run "alarms_go_to_topics" {
  variables {
    alarm_topic_arns         = ["arn:aws:sns:eu-west-1:123456789012:alarms"]
    alarm_dead_letters       = 10
    alarm_oldest_age_seconds = 600
  }
  assert {
    condition     = tolist(aws_cloudwatch_metric_alarm.dead_letters[0].alarm_actions)[0] == var.alarm_topic_arns[0] && aws_cloudwatch_metric_alarm.dead_letters[0].threshold == 10 && aws_cloudwatch_metric_alarm.oldest_age[0].threshold == 600
    error_message = "the alarms are not as the variables say"
  }
}
