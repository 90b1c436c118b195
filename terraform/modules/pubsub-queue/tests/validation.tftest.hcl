# Each validation of a variable refuses what it is there for. The provider is a mock:
# nothing is called.

mock_provider "google" {}

variables {
  project = "my-project"
  name    = "orders"
}

run "project_by_name" {
  command = plan

  variables {
    project = "My Project"
  }

  expect_failures = [var.project]
}

run "project_by_number" {
  command = plan

  variables {
    project = "123456789012"
  }

  expect_failures = [var.project]
}

run "project_number_by_id" {
  command = plan

  variables {
    project_number = "my-project"
  }

  expect_failures = [var.project_number]
}

run "name_with_a_slash" {
  command = plan

  variables {
    name = "a/b"
  }

  expect_failures = [var.name]
}

run "name_with_a_plus" {
  command = plan

  variables {
    name = "or+ders"
  }

  expect_failures = [var.name]
}

run "name_too_short" {
  command = plan

  variables {
    name = "ab"
  }

  expect_failures = [var.name]
}

run "name_begins_with_a_digit" {
  command = plan

  variables {
    name = "1orders"
  }

  expect_failures = [var.name]
}

run "name_too_long_for_its_dead_letter" {
  command = plan

  variables {
    name = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
  }

  expect_failures = [var.name]
}

run "name_of_google" {
  command = plan

  variables {
    name = "google-orders"
  }

  expect_failures = [var.name]
}

run "topic_with_a_space" {
  command = plan

  variables {
    topic = "or ders"
  }

  expect_failures = [var.topic]
}

run "topic_by_complete_name" {
  command = plan

  variables {
    topic = "projects/my-project/topics/orders"
  }

  expect_failures = [var.topic]
}

run "topic_of_google" {
  command = plan

  variables {
    topic = "goog-orders"
  }

  expect_failures = [var.topic]
}

run "subscription_with_a_space" {
  command = plan

  variables {
    subscription = "or ders"
  }

  expect_failures = [var.subscription]
}

run "dead_topic_with_a_space" {
  command = plan

  variables {
    dead_topic = "or ders"
  }

  expect_failures = [var.dead_topic]
}

run "dead_topic_is_the_topic" {
  command = plan

  variables {
    dead_topic = "orders"
  }

  expect_failures = [var.dead_topic]
}

run "dead_topic_is_the_topic_of_another_name" {
  command = plan

  variables {
    topic      = "shop"
    dead_topic = "shop"
  }

  expect_failures = [var.dead_topic]
}

run "topic_is_the_dead_topic" {
  command = plan

  variables {
    topic = "orders-dead"
  }

  expect_failures = [var.dead_topic]
}

run "dead_subscription_with_a_space" {
  command = plan

  variables {
    dead_subscription = "or ders"
  }

  expect_failures = [var.dead_subscription]
}

run "dead_subscription_is_the_subscription" {
  command = plan

  variables {
    dead_subscription = "orders"
  }

  expect_failures = [var.dead_subscription]
}

run "no_attempts" {
  command = plan

  variables {
    max_attempts = 0
  }

  expect_failures = [var.max_attempts]
}

run "more_attempts_than_deliveries" {
  command = plan

  variables {
    max_attempts = 48
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
    max_deliveries = 98
  }

  expect_failures = [var.max_deliveries]
}

run "delivery_attempts_below_deliveries" {
  command = plan

  variables {
    max_delivery_attempts = 14
  }

  expect_failures = [var.max_delivery_attempts]
}

run "delivery_attempts_below_deliveries_that_are_given" {
  command = plan

  variables {
    max_deliveries        = 20
    max_delivery_attempts = 22
  }

  expect_failures = [var.max_delivery_attempts]
}

run "delivery_attempts_below_deliveries_on_an_ordered_queue" {
  command = plan

  variables {
    ordering              = true
    max_delivery_attempts = 14
  }

  expect_failures = [var.max_delivery_attempts]
}

run "too_few_delivery_attempts" {
  command = plan

  variables {
    max_attempts          = 1
    max_deliveries        = 1
    max_delivery_attempts = 4
  }

  expect_failures = [var.max_delivery_attempts]
}

run "too_many_delivery_attempts" {
  command = plan

  variables {
    max_delivery_attempts = 101
  }

  expect_failures = [var.max_delivery_attempts]
}

run "half_a_delivery_attempt" {
  command = plan

  variables {
    max_delivery_attempts = 15.5
  }

  expect_failures = [var.max_delivery_attempts]
}

run "hold_too_short" {
  command = plan

  variables {
    hold_seconds = 9
  }

  expect_failures = [var.hold_seconds]
}

run "hold_too_long" {
  command = plan

  variables {
    hold_seconds = 601
  }

  expect_failures = [var.hold_seconds]
}

run "hold_of_half_a_second" {
  command = plan

  variables {
    hold_seconds = 10.5
  }

  expect_failures = [var.hold_seconds]
}

run "no_timeout" {
  command = plan

  variables {
    timeout_seconds = 0
  }

  expect_failures = [var.timeout_seconds]
}

run "timeout_as_long_as_retention" {
  command = plan

  variables {
    timeout_seconds = 604800
  }

  expect_failures = [var.timeout_seconds]
}

run "retention_too_short" {
  command = plan

  variables {
    retention_seconds        = 599
    timeout_seconds          = 60
    alert_oldest_age_seconds = 60
  }

  expect_failures = [var.retention_seconds]
}

run "retention_of_the_dead_letter_is_no_longer" {
  command = plan

  variables {
    dead_letter_retention_seconds = 604800
  }

  expect_failures = [var.retention_seconds]
}

run "dead_letter_retention_too_long" {
  command = plan

  variables {
    dead_letter_retention_seconds = 2678401
  }

  expect_failures = [var.dead_letter_retention_seconds]
}

run "key_that_is_none" {
  command = plan

  variables {
    kms_key_name = "orders"
  }

  expect_failures = [var.kms_key_name]
}

run "producer_without_a_kind" {
  command = plan

  variables {
    producer_members = { shop = "shop@my-project.iam.gserviceaccount.com" }
  }

  expect_failures = [var.producer_members]
}

run "everybody_is_a_producer" {
  command = plan

  variables {
    producer_members = { all = "allUsers" }
  }

  expect_failures = [var.producer_members]
}

run "worker_without_a_kind" {
  command = plan

  variables {
    worker_members = { payer = "payer@my-project.iam.gserviceaccount.com" }
  }

  expect_failures = [var.worker_members]
}

run "operator_without_a_kind" {
  command = plan

  variables {
    operator_members = { oncall = "oncall@example.com" }
  }

  expect_failures = [var.operator_members]
}

run "channel_by_its_number" {
  command = plan

  variables {
    notification_channels = ["1234567890"]
  }

  expect_failures = [var.notification_channels]
}

run "alert_without_dead_letters" {
  command = plan

  variables {
    alert_dead_letters = 0
  }

  expect_failures = [var.alert_dead_letters]
}

run "alert_beyond_retention" {
  command = plan

  variables {
    alert_oldest_age_seconds = 604800
  }

  expect_failures = [var.alert_oldest_age_seconds]
}

run "alert_too_early" {
  command = plan

  variables {
    alert_oldest_age_seconds = 59
  }

  expect_failures = [var.alert_oldest_age_seconds]
}

run "label_with_a_capital" {
  command = plan

  variables {
    labels = { Service = "orders" }
  }

  expect_failures = [var.labels]
}

run "label_with_a_value_that_is_none" {
  command = plan

  variables {
    labels = { service = "Orders!" }
  }

  expect_failures = [var.labels]
}

run "at_the_limits" {
  command = plan

  variables {
    name                     = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
    max_attempts             = 47
    max_delivery_attempts    = 100
    hold_seconds             = 600
    retention_seconds        = 2678399
    timeout_seconds          = 2678398
    alert_oldest_age_seconds = 2678398
  }
}

run "at_the_other_limits" {
  command = plan

  variables {
    project                       = "abcdef"
    name                          = "abc"
    max_attempts                  = 1
    max_deliveries                = 1
    max_delivery_attempts         = 5
    hold_seconds                  = 10
    retention_seconds             = 600
    dead_letter_retention_seconds = 601
    timeout_seconds               = 1
    alert_oldest_age_seconds      = 60
  }
}

run "as_many_deliveries_as_there_are" {
  command = plan

  variables {
    max_attempts          = 47
    max_deliveries        = 97
    max_delivery_attempts = 100
  }
}

run "members_of_every_kind" {
  command = plan

  variables {
    producer_members = { shop = "serviceAccount:shop@my-project.iam.gserviceaccount.com", dev = "user:dev@example.com" }
    worker_members   = { pool = "principalSet://iam.googleapis.com/projects/123456789012/locations/global/workloadIdentityPools/pool/*" }
    operator_members = { oncall = "group:oncall@example.com" }
  }
}

run "ordering_without_pull" {
  command = plan

  variables {
    pull     = false
    ordering = true
  }

  expect_failures = [var.pull]
}

run "exactly_once_without_pull" {
  command = plan

  variables {
    pull         = false
    exactly_once = true
  }

  expect_failures = [var.pull]
}

run "subscription_without_pull" {
  command = plan

  variables {
    pull         = false
    subscription = "orders-worker"
  }

  expect_failures = [var.pull]
}
