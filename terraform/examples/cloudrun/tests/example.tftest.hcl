# What is granted and told is known only after accounts, topics and channels are made.
# The provider is a mock: nothing is called.

mock_provider "google" {
  override_resource {
    target = google_service_account.producer
    values = {
      email  = "orders-producer@my-project.iam.gserviceaccount.com"
      member = "serviceAccount:orders-producer@my-project.iam.gserviceaccount.com"
    }
  }
  override_resource {
    target = google_monitoring_notification_channel.mail
    values = { name = "projects/my-project/notificationChannels/1234567890" }
  }
  override_data {
    target = module.orders.data.google_project.this
    values = { number = "123456789012" }
  }
  override_data {
    target = module.worker.data.google_project.this
    values = { number = "123456789012" }
  }
  override_resource {
    target = module.orders.google_pubsub_topic.this
    values = { id = "projects/my-project/topics/orders" }
  }
  override_resource {
    target = module.orders.google_pubsub_topic.dead
    values = { id = "projects/my-project/topics/orders-dead" }
  }
  override_resource {
    target = module.orders.google_pubsub_subscription.this
    values = { id = "projects/my-project/subscriptions/orders" }
  }
  override_resource {
    target = module.orders.google_pubsub_subscription.dead
    values = { id = "projects/my-project/subscriptions/orders-dead" }
  }
  override_resource {
    target = module.worker.google_service_account.runtime
    values = { email = "orders-run@my-project.iam.gserviceaccount.com" }
  }
  override_resource {
    target = module.worker.google_service_account.invoker
    values = { email = "orders-invoker@my-project.iam.gserviceaccount.com" }
  }
  override_resource {
    target = module.worker.google_pubsub_subscription.push
    values = { id = "projects/my-project/subscriptions/orders" }
  }
  override_resource {
    target = module.worker.google_cloud_run_v2_service.this
    values = { urls = ["https://orders-123456789012.europe-west1.run.app"] }
  }
}

variables {
  project = "my-project"
  email   = "you@example.com"
  image   = "europe-west1-docker.pkg.dev/my-project/images/orders:1.0.0"
}

run "it_can_be_planned" {
  command = plan
}

run "a_pool_can_be_planned" {
  command = plan

  variables {
    variant = "pool"
  }
}

run "it_can_be_applied" {
  assert {
    condition     = output.url == "pubsub://my-project/orders"
    error_message = "url is ${output.url}"
  }
  assert {
    condition     = output.queue_url == "pubsub://my-project/orders?dead_subscription=orders-dead&hold=60s&max_deliveries=23"
    error_message = "queue_url is ${output.queue_url}"
  }
  assert {
    condition     = output.subscription == "projects/my-project/subscriptions/orders"
    error_message = "subscription is ${output.subscription}"
  }
  assert {
    condition = output.service_accounts == {
      producer = "orders-producer@my-project.iam.gserviceaccount.com"
      worker   = "orders-run@my-project.iam.gserviceaccount.com"
      invoker  = "orders-invoker@my-project.iam.gserviceaccount.com"
    }
    error_message = "service_accounts are ${jsonencode(output.service_accounts)}"
  }
}

run "a_pool_can_be_applied" {
  variables {
    variant = "pool"
  }
  assert {
    condition     = output.queue_url == "pubsub://my-project/orders?dead_subscription=orders-dead&hold=60s&max_deliveries=23"
    error_message = "queue_url is ${output.queue_url}"
  }
  assert {
    condition     = output.subscription == "projects/my-project/subscriptions/orders" && output.service_accounts.invoker == null
    error_message = "the pool pulls from ${output.subscription}"
  }
}

run "a_name_that_leaves_no_room" {
  command = plan

  variables {
    name = "orders-of-the-whole-shop"
  }

  expect_failures = [var.name]
}

run "a_variant_that_there_is_not" {
  command = plan

  variables {
    variant = "job"
  }

  expect_failures = [var.variant]
}
