# Each validation of a variable refuses what it is there for. The provider is a mock:
# nothing is called.

mock_provider "aws" {}

variables {
  name = "orders"
}

run "name_with_a_space" {
  command = plan

  variables {
    name = "a b"
  }

  expect_failures = [var.name]
}

run "name_with_fifo" {
  command = plan

  variables {
    name = "orders.fifo"
  }

  expect_failures = [var.name]
}

run "name_too_long" {
  command = plan

  variables {
    name = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
  }

  expect_failures = [var.name]
}

run "name_too_long_for_fifo" {
  command = plan

  variables {
    name = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
    fifo = true
  }

  expect_failures = [var.name]
}

run "empty_suffix" {
  command = plan

  variables {
    dead_letter_suffix = ""
  }

  expect_failures = [var.dead_letter_suffix]
}

run "no_attempts" {
  command = plan

  variables {
    max_attempts = 0
  }

  expect_failures = [var.max_attempts]
}

run "more_attempts_than_receives" {
  command = plan

  variables {
    max_attempts = 498
  }

  expect_failures = [var.max_attempts]
}

run "half_an_attempt" {
  command = plan

  variables {
    max_attempts = 1.5
  }

  expect_failures = [var.max_attempts]
}

run "deliveries_below_attempts" {
  command = plan

  variables {
    max_deliveries = 4
  }

  expect_failures = [var.max_deliveries]
}

run "too_many_deliveries" {
  command = plan

  variables {
    max_deliveries = 998
  }

  expect_failures = [var.max_deliveries]
}

run "receives_below_deliveries" {
  command = plan

  variables {
    max_receive_count = 14
  }

  expect_failures = [var.max_receive_count]
}

run "receives_below_given_deliveries" {
  command = plan

  variables {
    max_deliveries    = 20
    max_receive_count = 22
  }

  expect_failures = [var.max_receive_count]
}

run "receives_over_the_limit" {
  command = plan

  variables {
    max_receive_count = 1001
  }

  expect_failures = [var.max_receive_count]
}

run "short_hold" {
  command = plan

  variables {
    hold_seconds = 9
  }

  expect_failures = [var.hold_seconds]
}

run "long_hold" {
  command = plan

  variables {
    hold_seconds = 43141
  }

  expect_failures = [var.hold_seconds]
}

run "hold_below_six_function_timeouts" {
  command = plan

  variables {
    hold_seconds           = 359
    lambda_timeout_seconds = 60
  }

  expect_failures = [var.hold_seconds]
}

run "timeout_beyond_a_lease" {
  command = plan

  variables {
    timeout_seconds = 43080
  }

  expect_failures = [var.timeout_seconds]
}

run "function_timeout_over_the_limit" {
  command = plan

  variables {
    hold_seconds           = 6000
    lambda_timeout_seconds = 901
  }

  expect_failures = [var.lambda_timeout_seconds]
}

run "short_retention" {
  command = plan

  variables {
    retention_seconds = 59
    alarms            = false
  }

  expect_failures = [var.retention_seconds]
}

run "retention_as_long_as_of_the_dead" {
  command = plan

  variables {
    retention_seconds = 1209600
  }

  expect_failures = [var.retention_seconds]
}

run "dead_retention_over_the_limit" {
  command = plan

  variables {
    dead_letter_retention_seconds = 1209601
  }

  expect_failures = [var.dead_letter_retention_seconds]
}

run "deduplication_without_fifo" {
  command = plan

  variables {
    content_based_deduplication = true
  }

  expect_failures = [var.content_based_deduplication]
}

run "throughput_without_fifo" {
  command = plan

  variables {
    high_throughput = true
  }

  expect_failures = [var.high_throughput]
}

run "key_alias" {
  command = plan

  variables {
    kms_key_arn = "alias/orders"
  }

  expect_failures = [var.kms_key_arn]
}

run "short_key_reuse" {
  command = plan

  variables {
    kms_data_key_reuse_seconds = 59
  }

  expect_failures = [var.kms_data_key_reuse_seconds]
}

run "topic_name" {
  command = plan

  variables {
    alarm_topic_arns = ["alarms"]
  }

  expect_failures = [var.alarm_topic_arns]
}

run "alarm_on_none" {
  command = plan

  variables {
    alarm_dead_letters = 0
  }

  expect_failures = [var.alarm_dead_letters]
}

run "alarm_after_retention" {
  command = plan

  variables {
    alarm_oldest_age_seconds = 345600
  }

  expect_failures = [var.alarm_oldest_age_seconds]
}

# The limits themselves are taken.

run "short_retention_without_alarms" {
  command = plan

  variables {
    retention_seconds = 60
    alarms            = false
  }
}

run "at_the_limits" {
  command = plan

  variables {
    name                   = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
    max_attempts           = 497
    max_receive_count      = 1000
    hold_seconds           = 43140
    timeout_seconds        = 43079
    lambda_timeout_seconds = 900
    retention_seconds      = 1209599
  }
}

run "at_the_other_limits" {
  command = plan

  variables {
    max_attempts                  = 1
    max_deliveries                = 1
    max_receive_count             = 4
    hold_seconds                  = 10
    retention_seconds             = 61
    dead_letter_retention_seconds = 62
    alarm_oldest_age_seconds      = 60
  }
}
