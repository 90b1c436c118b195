# The queue's values are known only after it is made, and so the module's preconditions
# are checked with them. The provider is a mock: nothing is called.

mock_provider "aws" {
  override_resource {
    target = aws_sns_topic.alarms
    values = { arn = "arn:aws:sns:eu-west-1:123456789012:orders-alarms" }
  }
  override_resource {
    target = module.orders.aws_sqs_queue.this
    values = {
      arn = "arn:aws:sqs:eu-west-1:123456789012:orders"
      id  = "https://sqs.eu-west-1.amazonaws.com/123456789012/orders"
      url = "https://sqs.eu-west-1.amazonaws.com/123456789012/orders"
    }
  }
  override_resource {
    target = module.orders.aws_sqs_queue.dead
    values = {
      arn = "arn:aws:sqs:eu-west-1:123456789012:orders-dead"
      id  = "https://sqs.eu-west-1.amazonaws.com/123456789012/orders-dead"
      url = "https://sqs.eu-west-1.amazonaws.com/123456789012/orders-dead"
    }
  }
  override_resource {
    target = module.worker.aws_iam_role.this
    values = { arn = "arn:aws:iam::123456789012:role/orders-lambda" }
  }
  override_resource {
    target = module.worker.aws_cloudwatch_log_group.this
    values = { arn = "arn:aws:logs:eu-west-1:123456789012:log-group:/aws/lambda/orders" }
  }
  override_resource {
    target = module.worker.aws_lambda_function.this
    values = { arn = "arn:aws:lambda:eu-west-1:123456789012:function:orders" }
  }
  override_resource {
    target = module.worker.aws_lambda_event_source_mapping.this
    values = { uuid = "0a1b2c3d-0000-0000-0000-000000000000" }
  }
}

variables {
  package_path = "tests/empty.zip"
}

run "it_can_be_planned" {
  command = plan
}

run "it_can_be_applied" {
  assert {
    condition     = output.url == "sqs://sqs.eu-west-1.amazonaws.com/123456789012/orders?region=eu-west-1"
    error_message = "url is ${output.url}"
  }
  assert {
    condition     = output.doctor_command == "longshore doctor --queue '${output.url}&hold=360s&max_receives=23&dead_letter=orders-dead' --max-attempts 8 --timeout 55s"
    error_message = "doctor_command is ${output.doctor_command}"
  }
  assert {
    condition     = output.function_name == "orders" && output.log_group_name == "/aws/lambda/orders" && output.mapping_uuid == "0a1b2c3d-0000-0000-0000-000000000000"
    error_message = "the function is ${output.function_name}, with logs in ${output.log_group_name} and the mapping ${output.mapping_uuid}"
  }
}

run "a_package_that_is_not_built" {
  command = plan

  variables {
    package_path = "tests/none.zip"
  }

  expect_failures = [var.package_path]
}
