# Each validation of a variable and each precondition refuses what it is there for. The
# provider is a mock: nothing is called.

mock_provider "aws" {}

variables {
  name                       = "orders"
  package_path               = "tests/empty.zip"
  queue_arn                  = "arn:aws:sqs:eu-west-1:123456789012:orders"
  dead_letter_arn            = "arn:aws:sqs:eu-west-1:123456789012:orders-dead"
  visibility_timeout_seconds = 360
  max_receive_count          = 15
}

run "name_with_a_space" {
  command = plan

  variables {
    name = "a b"
  }

  expect_failures = [var.name]
}

run "name_that_leaves_no_room" {
  command = plan

  variables {
    name = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
  }

  expect_failures = [var.name]
}

run "role_name_with_a_slash" {
  command = plan

  variables {
    role_name = "a/b"
  }

  expect_failures = [var.role_name]
}

run "role_name_too_long" {
  command = plan

  variables {
    role_name = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
  }

  expect_failures = [var.role_name]
}

run "package_that_is_no_zip" {
  command = plan

  variables {
    package_path = "versions.tf"
  }

  expect_failures = [var.package_path]
}

run "package_that_is_not_built" {
  command = plan

  variables {
    package_path = "tests/none.zip"
  }

  expect_failures = [var.package_path]
}

run "architecture_as_go_calls_it" {
  command = plan

  variables {
    architecture = "amd64"
  }

  expect_failures = [var.architecture]
}

run "no_timeout" {
  command = plan

  variables {
    timeout_seconds = 0
  }

  expect_failures = [var.timeout_seconds]
}

run "timeout_too_long" {
  command = plan

  variables {
    timeout_seconds            = 901
    visibility_timeout_seconds = 5406
  }

  expect_failures = [var.timeout_seconds]
}

run "half_a_second" {
  command = plan

  variables {
    timeout_seconds = 1.5
  }

  expect_failures = [var.timeout_seconds]
}

run "too_little_memory" {
  command = plan

  variables {
    memory_megabytes = 127
  }

  expect_failures = [var.memory_megabytes]
}

run "too_much_memory" {
  command = plan

  variables {
    memory_megabytes = 10241
  }

  expect_failures = [var.memory_megabytes]
}

run "half_a_megabyte" {
  command = plan

  variables {
    memory_megabytes = 128.5
  }

  expect_failures = [var.memory_megabytes]
}

run "environment_with_a_hyphen" {
  command = plan

  variables {
    environment = { QUEUE-URL = "sqs://orders" }
  }

  expect_failures = [var.environment]
}

run "environment_of_one_letter" {
  command = plan

  variables {
    environment = { Q = "sqs://orders" }
  }

  expect_failures = [var.environment]
}

run "environment_of_aws" {
  command = plan

  variables {
    environment = { AWS_REGION = "eu-west-1" }
  }

  expect_failures = [var.environment]
}

run "environment_of_lambda" {
  command = plan

  variables {
    environment = { AWS_LAMBDA_RUNTIME_API = "127.0.0.1:9001" }
  }

  expect_failures = [var.environment]
}

run "environment_too_long" {
  command = plan

  variables {
    environment = { CONFIGURATION = format("%04084d", 0) }
  }

  expect_failures = [var.environment]
}

run "queue_by_its_url" {
  command = plan

  variables {
    queue_arn = "https://sqs.eu-west-1.amazonaws.com/123456789012/orders"
  }

  expect_failures = [var.queue_arn]
}

run "dead_letter_by_its_name" {
  command = plan

  variables {
    dead_letter_arn = "orders-dead"
  }

  expect_failures = [var.dead_letter_arn]
}

run "no_dead_letter" {
  command = plan

  variables {
    dead_letter_arn = ""
  }

  expect_failures = [var.dead_letter_arn]
}

run "dead_letter_is_the_queue" {
  command = plan

  variables {
    dead_letter_arn = "arn:aws:sqs:eu-west-1:123456789012:orders"
  }

  expect_failures = [aws_lambda_event_source_mapping.this]
}

run "dead_letter_of_a_standard_queue_is_fifo" {
  command = plan

  variables {
    dead_letter_arn = "arn:aws:sqs:eu-west-1:123456789012:orders-dead.fifo"
  }

  expect_failures = [aws_lambda_event_source_mapping.this]
}

run "dead_letter_of_a_fifo_queue_is_standard" {
  command = plan

  variables {
    queue_arn = "arn:aws:sqs:eu-west-1:123456789012:orders.fifo"
  }

  expect_failures = [aws_lambda_event_source_mapping.this]
}

run "dead_letter_in_another_region" {
  command = plan

  variables {
    dead_letter_arn = "arn:aws:sqs:eu-central-1:123456789012:orders-dead"
  }

  expect_failures = [aws_lambda_event_source_mapping.this]
}

run "dead_letter_in_another_account" {
  command = plan

  variables {
    dead_letter_arn = "arn:aws:sqs:eu-west-1:210987654321:orders-dead"
  }

  expect_failures = [aws_lambda_event_source_mapping.this]
}

run "visibility_below_six_timeouts" {
  command = plan

  variables {
    visibility_timeout_seconds = 359
  }

  expect_failures = [aws_lambda_event_source_mapping.this]
}

run "visibility_without_the_window" {
  command = plan

  variables {
    batch_size                      = 100
    maximum_batching_window_seconds = 5
    visibility_timeout_seconds      = 364
  }

  expect_failures = [aws_lambda_event_source_mapping.this]
}

run "visibility_of_nothing" {
  command = plan

  variables {
    visibility_timeout_seconds = 0
  }

  expect_failures = [var.visibility_timeout_seconds]
}

run "visibility_too_long" {
  command = plan

  variables {
    visibility_timeout_seconds = 43201
  }

  expect_failures = [var.visibility_timeout_seconds]
}

run "too_few_receives" {
  command = plan

  variables {
    max_receive_count = 4
  }

  expect_failures = [aws_lambda_event_source_mapping.this]
}

run "no_receives" {
  command = plan

  variables {
    max_receive_count = 0
  }

  expect_failures = [var.max_receive_count]
}

run "too_many_receives" {
  command = plan

  variables {
    max_receive_count = 1001
  }

  expect_failures = [var.max_receive_count]
}

run "key_by_its_alias" {
  command = plan

  variables {
    kms_key_arn = "arn:aws:kms:eu-west-1:123456789012:alias/orders"
  }

  expect_failures = [var.kms_key_arn]
}

run "no_batch" {
  command = plan

  variables {
    batch_size = 0
  }

  expect_failures = [var.batch_size]
}

run "batch_too_large" {
  command = plan

  variables {
    batch_size                      = 10001
    maximum_batching_window_seconds = 1
    visibility_timeout_seconds      = 361
  }

  expect_failures = [var.batch_size]
}

run "half_a_task" {
  command = plan

  variables {
    batch_size = 1.5
  }

  expect_failures = [var.batch_size]
}

run "large_batch_without_a_window" {
  command = plan

  variables {
    batch_size = 11
  }

  expect_failures = [var.batch_size]
}

run "large_batch_of_a_fifo_queue" {
  command = plan

  variables {
    queue_arn       = "arn:aws:sqs:eu-west-1:123456789012:orders.fifo"
    dead_letter_arn = "arn:aws:sqs:eu-west-1:123456789012:orders-dead.fifo"
    batch_size      = 11
  }

  expect_failures = [var.batch_size]
}

run "window_below_nothing" {
  command = plan

  variables {
    maximum_batching_window_seconds = -1
  }

  expect_failures = [var.maximum_batching_window_seconds]
}

run "window_too_long" {
  command = plan

  variables {
    maximum_batching_window_seconds = 301
    visibility_timeout_seconds      = 900
  }

  expect_failures = [var.maximum_batching_window_seconds]
}

run "half_a_window" {
  command = plan

  variables {
    maximum_batching_window_seconds = 1.5
    visibility_timeout_seconds      = 900
  }

  expect_failures = [var.maximum_batching_window_seconds]
}

run "window_of_a_fifo_queue" {
  command = plan

  variables {
    queue_arn                       = "arn:aws:sqs:eu-west-1:123456789012:orders.fifo"
    dead_letter_arn                 = "arn:aws:sqs:eu-west-1:123456789012:orders-dead.fifo"
    maximum_batching_window_seconds = 1
    visibility_timeout_seconds      = 361
  }

  expect_failures = [var.maximum_batching_window_seconds]
}

run "concurrency_of_one" {
  command = plan

  variables {
    maximum_concurrency = 1
  }

  expect_failures = [var.maximum_concurrency]
}

run "concurrency_too_high" {
  command = plan

  variables {
    maximum_concurrency = 1001
  }

  expect_failures = [var.maximum_concurrency]
}

run "half_an_invocation" {
  command = plan

  variables {
    maximum_concurrency = 2.5
  }

  expect_failures = [var.maximum_concurrency]
}

run "reserved_nothing" {
  command = plan

  variables {
    reserved_concurrency = 0
    maximum_concurrency  = 2
  }

  expect_failures = [var.reserved_concurrency]
}

run "reserved_half_an_invocation" {
  command = plan

  variables {
    reserved_concurrency = 2.5
    maximum_concurrency  = 2
  }

  expect_failures = [var.reserved_concurrency]
}

run "reserved_less_than_the_queue_may_have" {
  command = plan

  variables {
    reserved_concurrency = 9
    maximum_concurrency  = 10
  }

  expect_failures = [var.reserved_concurrency]
}

run "reserved_and_the_queue_may_have_all" {
  command = plan

  variables {
    reserved_concurrency = 10
  }

  expect_failures = [var.reserved_concurrency]
}

run "logs_for_ever" {
  command = plan

  variables {
    log_retention_days = 0
  }

  expect_failures = [var.log_retention_days]
}

run "logs_for_a_number_of_days_that_there_is_not" {
  command = plan

  variables {
    log_retention_days = 31
  }

  expect_failures = [var.log_retention_days]
}

run "action_by_its_name" {
  command = plan

  variables {
    alarm_actions = ["alarms"]
  }

  expect_failures = [var.alarm_actions]
}

run "duration_of_all" {
  command = plan

  variables {
    alarm_duration_percent = 100
  }

  expect_failures = [var.alarm_duration_percent]
}

run "duration_of_little" {
  command = plan

  variables {
    alarm_duration_percent = 9
  }

  expect_failures = [var.alarm_duration_percent]
}

run "age_too_early" {
  command = plan

  variables {
    alarm_oldest_age_seconds = 59
  }

  expect_failures = [var.alarm_oldest_age_seconds]
}

run "age_beyond_retention" {
  command = plan

  variables {
    alarm_oldest_age_seconds = 1209601
  }

  expect_failures = [var.alarm_oldest_age_seconds]
}

run "at_the_limits" {
  command = plan

  variables {
    name                            = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
    role_name                       = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
    timeout_seconds                 = 900
    memory_megabytes                = 10240
    visibility_timeout_seconds      = 5700
    max_receive_count               = 1000
    batch_size                      = 10000
    maximum_batching_window_seconds = 300
    maximum_concurrency             = 1000
    reserved_concurrency            = 1000
    log_retention_days              = 3653
    alarm_duration_percent          = 99
    alarm_oldest_age_seconds        = 1209600
    environment                     = { CONFIGURATION = format("%04083d", 0) }
  }
}

run "at_the_other_limits" {
  command = plan

  variables {
    name                       = "a"
    timeout_seconds            = 1
    memory_megabytes           = 128
    visibility_timeout_seconds = 6
    max_receive_count          = 5
    batch_size                 = 1
    maximum_concurrency        = 2
    reserved_concurrency       = 2
    log_retention_days         = 1
    alarm_duration_percent     = 10
    alarm_oldest_age_seconds   = 60
  }
}

run "a_fifo_queue_at_its_limits" {
  command = plan

  variables {
    queue_arn       = "arn:aws:sqs:eu-west-1:123456789012:orders.fifo"
    dead_letter_arn = "arn:aws:sqs:eu-west-1:123456789012:orders-dead.fifo"
    batch_size      = 10
  }
}

run "actions_of_every_kind" {
  command = plan

  variables {
    alarm_actions = ["arn:aws:sns:eu-west-1:123456789012:alarms", "arn:aws:lambda:eu-west-1:123456789012:function:page", "arn:aws:automate:eu-west-1:ec2:stop"]
  }
}
