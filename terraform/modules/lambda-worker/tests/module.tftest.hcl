# What the module makes. The provider is a mock: nothing is called.

mock_provider "aws" {
  override_resource {
    target = aws_iam_role.this
    values = { arn = "arn:aws:iam::123456789012:role/orders-lambda" }
  }
  override_resource {
    target = aws_cloudwatch_log_group.this
    values = { arn = "arn:aws:logs:eu-west-1:123456789012:log-group:/aws/lambda/orders" }
  }
  override_resource {
    target = aws_lambda_function.this
    values = { arn = "arn:aws:lambda:eu-west-1:123456789012:function:orders" }
  }
  override_resource {
    target = aws_lambda_event_source_mapping.this
    values = { uuid = "0a1b2c3d-0000-0000-0000-000000000000" }
  }
}

variables {
  name                       = "orders"
  package_path               = "tests/empty.zip"
  queue_arn                  = "arn:aws:sqs:eu-west-1:123456789012:orders"
  dead_letter_arn            = "arn:aws:sqs:eu-west-1:123456789012:orders-dead"
  visibility_timeout_seconds = 360
  max_receive_count          = 15
}

run "defaults" {
  assert {
    condition     = aws_lambda_function.this.runtime == "provided.al2023" && aws_lambda_function.this.handler == "bootstrap" && aws_lambda_function.this.architectures == tolist(["arm64"])
    error_message = "the function runs ${aws_lambda_function.this.handler} on ${aws_lambda_function.this.runtime}, ${jsonencode(aws_lambda_function.this.architectures)}"
  }
  assert {
    condition     = aws_lambda_function.this.filename == "tests/empty.zip" && aws_lambda_function.this.source_code_hash == filebase64sha256("tests/empty.zip")
    error_message = "the program is ${aws_lambda_function.this.filename} of ${aws_lambda_function.this.source_code_hash}"
  }
  assert {
    condition     = aws_lambda_function.this.timeout == 60 && aws_lambda_function.this.memory_size == 256
    error_message = "the function has ${aws_lambda_function.this.timeout} s and ${aws_lambda_function.this.memory_size} MB"
  }
  assert {
    condition     = aws_lambda_function.this.reserved_concurrent_executions == -1
    error_message = "concurrency is reserved"
  }
  assert {
    condition     = length(aws_lambda_function.this.environment) == 0
    error_message = "there is an environment"
  }
  assert {
    condition     = aws_lambda_function.this.role == "arn:aws:iam::123456789012:role/orders-lambda" && aws_iam_role.this.name == "orders-lambda"
    error_message = "the role is ${aws_lambda_function.this.role}"
  }
  assert {
    condition     = aws_cloudwatch_log_group.this.name == "/aws/lambda/orders" && aws_cloudwatch_log_group.this.retention_in_days == 30
    error_message = "logs are in ${aws_cloudwatch_log_group.this.name} for ${aws_cloudwatch_log_group.this.retention_in_days} days"
  }
  assert {
    condition     = output.function_name == "orders" && output.function_arn == "arn:aws:lambda:eu-west-1:123456789012:function:orders" && output.role_name == "orders-lambda" && output.role_arn == "arn:aws:iam::123456789012:role/orders-lambda" && output.mapping_uuid == "0a1b2c3d-0000-0000-0000-000000000000" && output.log_group_name == "/aws/lambda/orders"
    error_message = "the outputs are ${output.function_name}, ${output.function_arn}, ${output.role_name}, ${output.role_arn}, ${output.mapping_uuid} and ${output.log_group_name}"
  }
}

run "failures_are_reported_by_message" {
  assert {
    condition     = aws_lambda_event_source_mapping.this.function_response_types == toset(["ReportBatchItemFailures"])
    error_message = "one failed message brings its batch back"
  }
  assert {
    condition     = aws_lambda_event_source_mapping.this.event_source_arn == var.queue_arn && aws_lambda_event_source_mapping.this.function_name == aws_lambda_function.this.arn && aws_lambda_event_source_mapping.this.enabled
    error_message = "the mapping is from ${aws_lambda_event_source_mapping.this.event_source_arn} to ${aws_lambda_event_source_mapping.this.function_name}"
  }
  assert {
    condition     = aws_lambda_event_source_mapping.this.batch_size == 10 && aws_lambda_event_source_mapping.this.maximum_batching_window_in_seconds == 0 && length(aws_lambda_event_source_mapping.this.scaling_config) == 0
    error_message = "the mapping gathers ${aws_lambda_event_source_mapping.this.batch_size} for ${aws_lambda_event_source_mapping.this.maximum_batching_window_in_seconds} s"
  }
}

run "nothing_is_dropped" {
  assert {
    condition     = length(aws_lambda_event_source_mapping.this.filter_criteria) == 0
    error_message = "a filter deletes what it does not match"
  }
  assert {
    condition     = length(aws_lambda_event_source_mapping.this.destination_config) == 0 && length(aws_lambda_function.this.dead_letter_config) == 0
    error_message = "there is a dead letter beside the queue's"
  }
}

run "the_role_is_the_least" {
  assert {
    condition = { for s in jsondecode(aws_iam_role_policy.this.policy).Statement : s.Resource[0] => s.Action } == {
      "arn:aws:sqs:eu-west-1:123456789012:orders"                          = ["sqs:ChangeMessageVisibility", "sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:GetQueueUrl", "sqs:ReceiveMessage", "sqs:SendMessage"]
      "arn:aws:sqs:eu-west-1:123456789012:orders-dead"                     = ["sqs:GetQueueAttributes", "sqs:GetQueueUrl", "sqs:SendMessage"]
      "arn:aws:logs:eu-west-1:123456789012:log-group:/aws/lambda/orders:*" = ["logs:CreateLogStream", "logs:PutLogEvents"]
    }
    error_message = "policy: ${aws_iam_role_policy.this.policy}"
  }
  assert {
    condition     = alltrue([for s in jsondecode(aws_iam_role_policy.this.policy).Statement : s.Effect == "Allow" && length(s.Resource) == 1])
    error_message = "policy: ${aws_iam_role_policy.this.policy}"
  }
  assert {
    condition     = jsondecode(aws_iam_role.this.assume_role_policy).Statement == [{ Effect = "Allow", Action = "sts:AssumeRole", Principal = { Service = "lambda.amazonaws.com" } }]
    error_message = "the role is one of ${aws_iam_role.this.assume_role_policy}"
  }
  assert {
    condition     = aws_iam_role_policy.this.role == "orders-lambda"
    error_message = "the policy is one of ${aws_iam_role_policy.this.role}"
  }
}

run "with_a_key" {
  variables {
    kms_key_arn = "arn:aws:kms:eu-west-1:123456789012:key/0a1b2c3d-0000-0000-0000-000000000000"
  }
  assert {
    condition     = [for s in jsondecode(aws_iam_role_policy.this.policy).Statement : s.Action if s.Resource[0] == var.kms_key_arn] == [["kms:Decrypt", "kms:GenerateDataKey"]]
    error_message = "policy: ${aws_iam_role_policy.this.policy}"
  }
}

run "it_may_look_at_its_mapping" {
  variables {
    may_list_mappings = true
  }
  assert {
    condition     = [for s in jsondecode(aws_iam_role_policy.this.policy).Statement : s.Action if s.Resource[0] == "*"] == [["lambda:ListEventSourceMappings"]]
    error_message = "policy: ${aws_iam_role_policy.this.policy}"
  }
}

run "all_that_can_be_set" {
  variables {
    role_name                       = "orders-in-ireland"
    architecture                    = "x86_64"
    timeout_seconds                 = 30
    memory_megabytes                = 1024
    reserved_concurrency            = 20
    maximum_concurrency             = 20
    batch_size                      = 100
    maximum_batching_window_seconds = 5
    enabled                         = false
    log_retention_days              = 7
    visibility_timeout_seconds      = 185
    environment                     = { QUEUE_URL = "sqs://orders", AWS_ENDPOINT_URL = "http://127.0.0.1:4566" }
    tags                            = { service = "orders" }
  }
  assert {
    condition     = aws_iam_role.this.name == "orders-in-ireland" && aws_lambda_function.this.architectures == tolist(["x86_64"]) && aws_lambda_function.this.timeout == 30 && aws_lambda_function.this.memory_size == 1024 && aws_lambda_function.this.reserved_concurrent_executions == 20
    error_message = "the function is not as the variables say"
  }
  assert {
    condition     = aws_lambda_event_source_mapping.this.batch_size == 100 && aws_lambda_event_source_mapping.this.maximum_batching_window_in_seconds == 5 && aws_lambda_event_source_mapping.this.scaling_config[0].maximum_concurrency == 20 && !aws_lambda_event_source_mapping.this.enabled
    error_message = "the mapping is not as the variables say"
  }
  assert {
    condition     = aws_cloudwatch_log_group.this.retention_in_days == 7
    error_message = "logs are kept for ${aws_cloudwatch_log_group.this.retention_in_days} days"
  }
  assert {
    condition     = aws_lambda_function.this.environment[0].variables == tomap({ QUEUE_URL = "sqs://orders", AWS_ENDPOINT_URL = "http://127.0.0.1:4566" })
    error_message = "the environment is ${jsonencode(aws_lambda_function.this.environment)}"
  }
  assert {
    condition     = alltrue([for tags in [aws_lambda_function.this.tags, aws_iam_role.this.tags, aws_cloudwatch_log_group.this.tags, aws_cloudwatch_metric_alarm.duration[0].tags, aws_cloudwatch_metric_alarm.counted["errors"].tags, aws_cloudwatch_metric_alarm.oldest_age[0].tags] : tags.service == "orders"])
    error_message = "something has no tags"
  }
}

run "fifo" {
  variables {
    queue_arn       = "arn:aws:sqs:eu-west-1:123456789012:orders.fifo"
    dead_letter_arn = "arn:aws:sqs:eu-west-1:123456789012:orders-dead.fifo"
  }
  assert {
    condition     = aws_cloudwatch_metric_alarm.oldest_age[0].dimensions.QueueName == "orders.fifo"
    error_message = "the alarm watches ${aws_cloudwatch_metric_alarm.oldest_age[0].dimensions.QueueName}"
  }
}

run "alarms" {
  variables {
    alarm_actions            = ["arn:aws:sns:eu-west-1:123456789012:alarms"]
    alarm_oldest_age_seconds = 600
  }
  assert {
    condition     = toset(keys(output.alarm_arns)) == toset(["errors", "throttles", "duration", "oldest_age"])
    error_message = "the alarms are ${jsonencode(keys(output.alarm_arns))}"
  }
  assert {
    condition = alltrue([for name, metric in { errors = "Errors", throttles = "Throttles" } :
      aws_cloudwatch_metric_alarm.counted[name].namespace == "AWS/Lambda" && aws_cloudwatch_metric_alarm.counted[name].metric_name == metric && aws_cloudwatch_metric_alarm.counted[name].dimensions.FunctionName == "orders" && aws_cloudwatch_metric_alarm.counted[name].threshold == 0 && aws_cloudwatch_metric_alarm.counted[name].comparison_operator == "GreaterThanThreshold" && aws_cloudwatch_metric_alarm.counted[name].statistic == "Sum"
    ])
    error_message = "errors or throttles are not watched from the first one on"
  }
  assert {
    condition     = aws_cloudwatch_metric_alarm.duration[0].metric_name == "Duration" && aws_cloudwatch_metric_alarm.duration[0].extended_statistic == "p99" && aws_cloudwatch_metric_alarm.duration[0].threshold == 48000 && aws_cloudwatch_metric_alarm.duration[0].dimensions.FunctionName == "orders"
    error_message = "the duration's alarm is at ${aws_cloudwatch_metric_alarm.duration[0].threshold} ms, not at 80 % of 60 s"
  }
  assert {
    condition     = aws_cloudwatch_metric_alarm.oldest_age[0].metric_name == "ApproximateAgeOfOldestMessage" && aws_cloudwatch_metric_alarm.oldest_age[0].dimensions.QueueName == "orders" && aws_cloudwatch_metric_alarm.oldest_age[0].threshold == 600
    error_message = "the age's alarm is at ${aws_cloudwatch_metric_alarm.oldest_age[0].threshold} s"
  }
  assert {
    condition = alltrue([for alarm in concat(values(aws_cloudwatch_metric_alarm.counted), aws_cloudwatch_metric_alarm.duration, aws_cloudwatch_metric_alarm.oldest_age) :
      alarm.alarm_actions == toset(var.alarm_actions) && alarm.ok_actions == toset(var.alarm_actions) && startswith(alarm.alarm_name, "orders-function-")
    ])
    error_message = "an alarm goes elsewhere"
  }
}

run "without_the_age" {
  variables {
    alarm_oldest_age_seconds = null
  }
  assert {
    condition     = toset(keys(output.alarm_arns)) == toset(["errors", "throttles", "duration"])
    error_message = "the alarms are ${jsonencode(keys(output.alarm_arns))}"
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
