# What is granted and told is known only after accounts and channels are made. The
# provider is a mock: nothing is called.

mock_provider "google" {
  override_resource {
    target = google_service_account.producer
    values = { member = "serviceAccount:orders-producer@my-project.iam.gserviceaccount.com" }
  }
  override_resource {
    target = google_service_account.worker
    values = { member = "serviceAccount:orders-worker@my-project.iam.gserviceaccount.com" }
  }
  override_resource {
    target = google_monitoring_notification_channel.mail
    values = { name = "projects/my-project/notificationChannels/1234567890" }
  }
}

variables {
  project = "my-project"
  email   = "you@example.com"
}

run "it_can_be_planned" {
  command = plan
}

run "it_can_be_applied" {
  assert {
    condition     = output.url == "pubsub://my-project/orders"
    error_message = "url is ${output.url}"
  }
  assert {
    condition     = output.url_declared == "pubsub://my-project/orders?dead_subscription=orders-dead&hold=60s&max_deliveries=15"
    error_message = "url_declared is ${output.url_declared}"
  }
}

run "a_name_that_leaves_no_room" {
  command = plan

  variables {
    name = "orders-of-the-whole-shop"
  }

  expect_failures = [var.name]
}
