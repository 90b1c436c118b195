# Each validation of a variable and each precondition refuses what it is there for. The
# provider is a mock: nothing is called.

mock_provider "google" {}

variables {
  variant           = "push"
  project           = "my-project"
  project_number    = "123456789012"
  location          = "europe-west1"
  name              = "orders"
  image             = "europe-west1-docker.pkg.dev/my-project/images/orders:1.0.0"
  topic             = "projects/my-project/topics/orders"
  dead_topic        = "projects/my-project/topics/orders-dead"
  dead_subscription = "projects/my-project/subscriptions/orders-dead"
}

run "no_variant" {
  command = plan

  variables {
    variant = "job"
  }

  expect_failures = [var.variant]
}

run "project_by_name" {
  command = plan

  variables {
    project = "My Project"
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

run "location_that_is_a_zone" {
  command = plan

  variables {
    location = "europe-west1-b"
  }

  expect_failures = [var.location]
}

run "name_with_a_capital" {
  command = plan

  variables {
    name = "Orders"
  }

  expect_failures = [var.name]
}

run "name_that_leaves_no_room" {
  command = plan

  variables {
    name = "aaaaaaaaaaaaaaaaaaaaaaa"
  }

  expect_failures = [var.name]
}

run "name_with_a_hyphen_last" {
  command = plan

  variables {
    name = "orders-"
  }

  expect_failures = [var.name]
}

run "image_without_a_tag" {
  command = plan

  variables {
    image = "europe-west1-docker.pkg.dev/my-project/images/orders"
  }

  expect_failures = [var.image]
}

run "image_that_is_the_latest" {
  command = plan

  variables {
    image = "europe-west1-docker.pkg.dev/my-project/images/orders:latest"
  }

  expect_failures = [var.image]
}

run "image_without_a_place" {
  command = plan

  variables {
    image = "orders:1.0.0"
  }

  expect_failures = [var.image]
}

run "image_with_half_a_digest" {
  command = plan

  variables {
    image = "europe-west1-docker.pkg.dev/my-project/images/orders@sha256:0123"
  }

  expect_failures = [var.image]
}

run "command_of_nothing" {
  command = plan

  variables {
    command = []
  }

  expect_failures = [var.command]
}

run "environment_with_a_hyphen" {
  command = plan

  variables {
    environment = { ORDERS-CONFIG = "/orders.yaml" }
  }

  expect_failures = [var.environment]
}

run "environment_of_cloud_run" {
  command = plan

  variables {
    environment = { PORT = "8080" }
  }

  expect_failures = [var.environment]
}

run "environment_of_the_module" {
  command = plan

  variables {
    environment = { PUSH_AUDIENCE = "" }
  }

  expect_failures = [var.environment]
}

run "an_environment_that_lets_everybody_push" {
  command = plan

  variables {
    environment = { PUSH_UNAUTHENTICATED = "true" }
  }

  expect_failures = [var.environment]
}

run "half_a_processor" {
  command = plan

  variables {
    cpu = "0.5"
  }

  expect_failures = [var.cpu]
}

run "memory_without_a_unit" {
  command = plan

  variables {
    memory = "512"
  }

  expect_failures = [var.memory]
}

run "too_little_memory" {
  command = plan

  variables {
    memory = "511Mi"
  }

  expect_failures = [var.memory]
}

run "too_little_memory_for_four" {
  command = plan

  variables {
    cpu    = "4"
    memory = "2047Mi"
  }

  expect_failures = [var.memory]
}

run "too_little_memory_for_eight" {
  command = plan

  variables {
    cpu    = "8"
    memory = "3Gi"
  }

  expect_failures = [var.memory]
}

run "topic_by_its_name" {
  command = plan

  variables {
    topic = "orders"
  }

  expect_failures = [var.topic]
}

run "topic_of_another_project" {
  command = plan

  variables {
    topic = "projects/other-project/topics/orders"
  }

  expect_failures = [var.topic]
}

run "dead_topic_by_its_name" {
  command = plan

  variables {
    dead_topic = "orders-dead"
  }

  expect_failures = [var.dead_topic]
}

run "no_dead_topic" {
  command = plan

  variables {
    dead_topic = ""
  }

  expect_failures = [var.dead_topic]
}

run "dead_topic_of_another_project" {
  command = plan

  variables {
    dead_topic = "projects/other-project/topics/orders-dead"
  }

  expect_failures = [var.dead_topic]
}

run "dead_topic_is_the_topic" {
  command = plan

  variables {
    dead_topic = "projects/my-project/topics/orders"
  }

  expect_failures = [google_pubsub_subscription.push]
}

run "dead_subscription_by_its_name" {
  command = plan

  variables {
    dead_subscription = "orders-dead"
  }

  expect_failures = [var.dead_subscription]
}

run "no_dead_subscription" {
  command = plan

  variables {
    dead_subscription = ""
  }

  expect_failures = [var.dead_subscription]
}

run "dead_subscription_of_another_project" {
  command = plan

  variables {
    dead_subscription = "projects/other-project/subscriptions/orders-dead"
  }

  expect_failures = [var.dead_subscription]
}

run "dead_subscription_is_the_subscription" {
  command = plan

  variables {
    dead_subscription = "projects/my-project/subscriptions/orders"
  }

  expect_failures = [google_pubsub_subscription.push]
}

run "subscription_of_a_push_that_is_there" {
  command = plan

  variables {
    subscription = "projects/my-project/subscriptions/orders"
  }

  expect_failures = [var.subscription]
}

run "subscription_of_google" {
  command = plan

  variables {
    subscription = "goog-orders"
  }

  expect_failures = [var.subscription]
}

run "queue_url_of_a_push" {
  command = plan

  variables {
    queue_url = "pubsub://my-project/orders"
  }

  expect_failures = [var.queue_url]
}

run "pool_without_a_subscription" {
  command = plan

  variables {
    variant   = "pool"
    queue_url = "pubsub://my-project/orders?hold=60s"
  }

  expect_failures = [var.subscription]
}

run "pool_with_a_subscription_by_its_name" {
  command = plan

  variables {
    variant      = "pool"
    queue_url    = "pubsub://my-project/orders?hold=60s"
    subscription = "orders"
  }

  expect_failures = [var.subscription]
}

run "pool_with_a_subscription_of_another_project" {
  command = plan

  variables {
    variant      = "pool"
    queue_url    = "pubsub://my-project/orders?hold=60s"
    subscription = "projects/other-project/subscriptions/orders"
  }

  expect_failures = [var.subscription]
}

run "pool_without_a_url" {
  command = plan

  variables {
    variant      = "pool"
    subscription = "projects/my-project/subscriptions/orders"
  }

  expect_failures = [var.queue_url]
}

run "pool_with_a_url_of_another_broker" {
  command = plan

  variables {
    variant      = "pool"
    subscription = "projects/my-project/subscriptions/orders"
    queue_url    = "sqs://orders"
  }

  expect_failures = [var.queue_url]
}

run "pool_whose_dead_topic_is_the_topic" {
  command = plan

  variables {
    variant      = "pool"
    subscription = "projects/my-project/subscriptions/orders"
    queue_url    = "pubsub://my-project/orders?hold=60s"
    dead_topic   = "projects/my-project/topics/orders"
  }

  expect_failures = [google_cloud_run_v2_worker_pool.this]
}

run "pool_whose_dead_subscription_is_the_subscription" {
  command = plan

  variables {
    variant           = "pool"
    subscription      = "projects/my-project/subscriptions/orders"
    queue_url         = "pubsub://my-project/orders?hold=60s"
    dead_subscription = "projects/my-project/subscriptions/orders"
  }

  expect_failures = [google_cloud_run_v2_worker_pool.this]
}

run "pool_with_less_than_no_instances" {
  command = plan

  variables {
    variant      = "pool"
    subscription = "projects/my-project/subscriptions/orders"
    queue_url    = "pubsub://my-project/orders?hold=60s"
    instances    = -1
  }

  expect_failures = [var.instances]
}

run "pool_with_half_an_instance" {
  command = plan

  variables {
    variant      = "pool"
    subscription = "projects/my-project/subscriptions/orders"
    queue_url    = "pubsub://my-project/orders?hold=60s"
    instances    = 0.5
  }

  expect_failures = [var.instances]
}

run "ingress_of_the_first_api" {
  command = plan

  variables {
    ingress = "internal"
  }

  expect_failures = [var.ingress]
}

run "endpoint_without_tls" {
  command = plan

  variables {
    endpoint = "http://orders.example.com"
  }

  expect_failures = [var.endpoint]
}

run "endpoint_with_a_path" {
  command = plan

  variables {
    endpoint = "https://orders.example.com/orders"
  }

  expect_failures = [var.endpoint]
}

run "path_without_a_slash" {
  command = plan

  variables {
    push_path = "orders"
  }

  expect_failures = [var.push_path]
}

run "audience_of_all" {
  command = plan

  variables {
    audience = ""
  }

  expect_failures = [var.audience]
}

run "no_request_timeout" {
  command = plan

  variables {
    request_timeout_seconds = 0
  }

  expect_failures = [var.request_timeout_seconds]
}

run "request_timeout_too_long" {
  command = plan

  variables {
    request_timeout_seconds = 601
    ack_deadline_seconds    = 600
  }

  expect_failures = [var.request_timeout_seconds]
}

run "request_timeout_of_half_a_second" {
  command = plan

  variables {
    request_timeout_seconds = 1.5
  }

  expect_failures = [var.request_timeout_seconds]
}

run "ack_deadline_below_the_request_timeout" {
  command = plan

  variables {
    request_timeout_seconds = 61
  }

  expect_failures = [google_pubsub_subscription.push]
}

run "ack_deadline_too_short" {
  command = plan

  variables {
    request_timeout_seconds = 9
    ack_deadline_seconds    = 9
  }

  expect_failures = [var.ack_deadline_seconds]
}

run "ack_deadline_too_long" {
  command = plan

  variables {
    ack_deadline_seconds = 601
  }

  expect_failures = [var.ack_deadline_seconds]
}

run "ack_deadline_of_half_a_second" {
  command = plan

  variables {
    ack_deadline_seconds = 60.5
  }

  expect_failures = [var.ack_deadline_seconds]
}

run "no_concurrency" {
  command = plan

  variables {
    concurrency = 0
  }

  expect_failures = [var.concurrency]
}

run "too_much_concurrency" {
  command = plan

  variables {
    concurrency = 1001
  }

  expect_failures = [var.concurrency]
}

run "half_a_request" {
  command = plan

  variables {
    concurrency = 1.5
  }

  expect_failures = [var.concurrency]
}

run "less_than_no_instances" {
  command = plan

  variables {
    min_instances = -1
  }

  expect_failures = [var.min_instances]
}

run "half_an_instance" {
  command = plan

  variables {
    min_instances = 0.5
  }

  expect_failures = [var.min_instances]
}

run "no_instances" {
  command = plan

  variables {
    max_instances = 0
  }

  expect_failures = [var.max_instances]
}

run "half_an_instance_at_most" {
  command = plan

  variables {
    max_instances = 1.5
  }

  expect_failures = [var.max_instances]
}

run "fewer_instances_at_most_than_at_least" {
  command = plan

  variables {
    min_instances = 11
  }

  expect_failures = [var.max_instances]
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

run "half_a_delivery" {
  command = plan

  variables {
    max_deliveries = 5.5
  }

  expect_failures = [var.max_deliveries]
}

run "pushes_below_deliveries" {
  command = plan

  variables {
    max_delivery_attempts = 14
  }

  expect_failures = [google_pubsub_subscription.push]
}

run "pushes_below_deliveries_that_are_given" {
  command = plan

  variables {
    max_deliveries        = 20
    max_delivery_attempts = 22
  }

  expect_failures = [google_pubsub_subscription.push]
}

run "too_few_pushes" {
  command = plan

  variables {
    max_attempts          = 1
    max_deliveries        = 1
    max_delivery_attempts = 4
  }

  expect_failures = [var.max_delivery_attempts]
}

run "too_many_pushes" {
  command = plan

  variables {
    max_delivery_attempts = 101
  }

  expect_failures = [var.max_delivery_attempts]
}

run "half_a_push" {
  command = plan

  variables {
    max_delivery_attempts = 15.5
  }

  expect_failures = [var.max_delivery_attempts]
}

run "no_backoff" {
  command = plan

  variables {
    minimum_backoff_seconds = 0
  }

  expect_failures = [var.minimum_backoff_seconds]
}

run "backoff_too_long" {
  command = plan

  variables {
    minimum_backoff_seconds = 601
    maximum_backoff_seconds = 600
  }

  expect_failures = [var.minimum_backoff_seconds]
}

run "half_a_backoff" {
  command = plan

  variables {
    minimum_backoff_seconds = 1.5
  }

  expect_failures = [var.minimum_backoff_seconds]
}

run "no_backoff_at_most" {
  command = plan

  variables {
    minimum_backoff_seconds = 1
    maximum_backoff_seconds = 0
  }

  expect_failures = [var.maximum_backoff_seconds]
}

run "backoff_at_most_too_long" {
  command = plan

  variables {
    maximum_backoff_seconds = 601
  }

  expect_failures = [var.maximum_backoff_seconds]
}

run "half_a_backoff_at_most" {
  command = plan

  variables {
    maximum_backoff_seconds = 60.5
  }

  expect_failures = [var.maximum_backoff_seconds]
}

run "backoff_shrinks" {
  command = plan

  variables {
    maximum_backoff_seconds = 9
  }

  expect_failures = [var.maximum_backoff_seconds]
}

run "retention_too_short" {
  command = plan

  variables {
    retention_seconds        = 599
    alert_oldest_age_seconds = 60
  }

  expect_failures = [var.retention_seconds]
}

run "retention_too_long" {
  command = plan

  variables {
    retention_seconds = 2678401
  }

  expect_failures = [var.retention_seconds]
}

run "retention_of_half_a_second" {
  command = plan

  variables {
    retention_seconds = 86400.5
  }

  expect_failures = [var.retention_seconds]
}

run "everybody_is_an_operator" {
  command = plan

  variables {
    operator_members = { all = "allUsers" }
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

run "alert_at_no_errors" {
  command = plan

  variables {
    alert_error_percent = 0
  }

  expect_failures = [var.alert_error_percent]
}

run "alert_never" {
  command = plan

  variables {
    alert_error_percent = 100
  }

  expect_failures = [var.alert_error_percent]
}

run "alert_too_early" {
  command = plan

  variables {
    alert_oldest_age_seconds = 59
  }

  expect_failures = [var.alert_oldest_age_seconds]
}

run "alert_beyond_retention" {
  command = plan

  variables {
    alert_oldest_age_seconds = 604800
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
    name                     = "aaaaaaaaaaaaaaaaaaaaaa"
    image                    = "europe-west1-docker.pkg.dev/my-project/images/orders@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
    cpu                      = "8"
    memory                   = "4Gi"
    request_timeout_seconds  = 600
    ack_deadline_seconds     = 600
    concurrency              = 1000
    min_instances            = 100
    max_instances            = 100
    max_attempts             = 47
    max_deliveries           = 97
    max_delivery_attempts    = 100
    minimum_backoff_seconds  = 600
    retention_seconds        = 2678400
    alert_error_percent      = 99
    alert_oldest_age_seconds = 2678399
  }
}

run "at_the_other_limits" {
  command = plan

  variables {
    name                     = "abc"
    image                    = "localhost:5000/orders:1"
    request_timeout_seconds  = 1
    ack_deadline_seconds     = 10
    concurrency              = 1
    max_instances            = 1
    max_attempts             = 1
    max_deliveries           = 1
    max_delivery_attempts    = 5
    minimum_backoff_seconds  = 1
    maximum_backoff_seconds  = 1
    retention_seconds        = 600
    alert_error_percent      = 1
    alert_oldest_age_seconds = 60
  }
}

run "one_attempt" {
  command = plan

  variables {
    max_attempts = 1
  }
}

run "a_pool_at_rest" {
  command = plan

  variables {
    variant      = "pool"
    subscription = "projects/my-project/subscriptions/orders"
    queue_url    = "pubsub://my-project/orders?hold=60s"
    instances    = 0
  }
}
