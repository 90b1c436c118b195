# What the module makes for a pool. The provider is a mock: nothing is called.

mock_provider "google" {
  override_data {
    target = data.google_project.this
    values = { number = "123456789012" }
  }
  override_resource {
    target = google_service_account.runtime
    values = { email = "orders-run@my-project.iam.gserviceaccount.com" }
  }
  override_resource {
    target = google_service_account.invoker
    values = {
      email = "orders-invoker@my-project.iam.gserviceaccount.com"
      name  = "projects/my-project/serviceAccounts/orders-invoker@my-project.iam.gserviceaccount.com"
    }
  }
  override_resource {
    target = google_cloud_run_v2_service.this
    values = {
      id   = "projects/my-project/locations/europe-west1/services/orders"
      uri  = "https://orders-abcdefghij-ew.a.run.app"
      urls = ["https://orders-123456789012.europe-west1.run.app", "https://orders-abcdefghij-ew.a.run.app"]
    }
  }
  override_resource {
    target = google_cloud_run_v2_worker_pool.this
    values = { id = "projects/my-project/locations/europe-west1/workerPools/orders" }
  }
  override_resource {
    target = google_pubsub_subscription.push
    values = { id = "projects/my-project/subscriptions/orders" }
  }
}

variables {
  variant           = "pool"
  project           = "my-project"
  location          = "europe-west1"
  name              = "orders"
  image             = "europe-west1-docker.pkg.dev/my-project/images/orders:1.0.0"
  topic             = "projects/my-project/topics/orders"
  subscription      = "projects/my-project/subscriptions/orders"
  dead_topic        = "projects/my-project/topics/orders-dead"
  dead_subscription = "projects/my-project/subscriptions/orders-dead"
  queue_url         = "pubsub://my-project/orders?dead_subscription=orders-dead&hold=60s&max_deliveries=15"
}

run "defaults" {
  assert {
    condition     = google_cloud_run_v2_worker_pool.this[0].name == "orders" && google_cloud_run_v2_worker_pool.this[0].location == "europe-west1" && google_cloud_run_v2_worker_pool.this[0].project == "my-project" && google_cloud_run_v2_worker_pool.this[0].deletion_protection
    error_message = "the pool is ${google_cloud_run_v2_worker_pool.this[0].name}"
  }
  assert {
    condition     = google_cloud_run_v2_worker_pool.this[0].scaling[0].manual_instance_count == 1
    error_message = "there are ${google_cloud_run_v2_worker_pool.this[0].scaling[0].manual_instance_count} instances"
  }
  assert {
    condition     = google_cloud_run_v2_worker_pool.this[0].template[0].service_account == "orders-run@my-project.iam.gserviceaccount.com" && google_cloud_run_v2_worker_pool.this[0].template[0].containers[0].image == var.image && google_cloud_run_v2_worker_pool.this[0].template[0].containers[0].resources[0].limits == tomap({ cpu = "1", memory = "512Mi" })
    error_message = "it runs ${google_cloud_run_v2_worker_pool.this[0].template[0].containers[0].image} as ${google_cloud_run_v2_worker_pool.this[0].template[0].service_account}"
  }
  assert {
    condition     = { for e in google_cloud_run_v2_worker_pool.this[0].template[0].containers[0].env : e.name => e.value } == { QUEUE_URL = var.queue_url }
    error_message = "the environment is ${jsonencode(google_cloud_run_v2_worker_pool.this[0].template[0].containers[0].env)}"
  }
  assert {
    condition     = output.id == "projects/my-project/locations/europe-west1/workerPools/orders" && output.runtime_service_account == "orders-run@my-project.iam.gserviceaccount.com" && output.subscription == var.subscription && output.queue_url == var.queue_url
    error_message = "the outputs are ${output.id}, ${output.runtime_service_account}, ${output.subscription} and ${output.queue_url}"
  }
}

run "nothing_of_a_push" {
  variables {
    operator_members = { oncall = "group:oncall@example.com" }
  }
  assert {
    condition     = length(google_cloud_run_v2_service.this) + length(google_pubsub_subscription.push) + length(google_service_account.invoker) + length(google_cloud_run_v2_service_iam_binding.invoker) + length(google_service_account_iam_member.token_creator) + length(google_pubsub_topic_iam_member.agent) + length(google_pubsub_subscription_iam_member.agent) + length(google_pubsub_subscription_iam_member.operators) == 0
    error_message = "there is something of a push"
  }
  assert {
    condition     = output.endpoint == null && output.audience == null && output.invoker_service_account == null && output.max_delivery_attempts == null && length(output.alert_names) == 0
    error_message = "outputs are of a push"
  }
}

run "grants_are_the_least" {
  assert {
    condition = toset([for g in google_pubsub_topic_iam_member.runtime : "${g.member} ${g.role} ${g.topic}"]) == toset([
      "serviceAccount:orders-run@my-project.iam.gserviceaccount.com roles/pubsub.publisher orders",
      "serviceAccount:orders-run@my-project.iam.gserviceaccount.com roles/pubsub.viewer orders",
      "serviceAccount:orders-run@my-project.iam.gserviceaccount.com roles/pubsub.publisher orders-dead",
    ])
    error_message = "on topics: ${jsonencode(google_pubsub_topic_iam_member.runtime)}"
  }
  assert {
    condition = toset([for g in google_pubsub_subscription_iam_member.runtime : "${g.member} ${g.role} ${g.subscription}"]) == toset([
      "serviceAccount:orders-run@my-project.iam.gserviceaccount.com roles/pubsub.subscriber orders",
      "serviceAccount:orders-run@my-project.iam.gserviceaccount.com roles/pubsub.viewer orders",
      "serviceAccount:orders-run@my-project.iam.gserviceaccount.com roles/pubsub.viewer orders-dead",
    ])
    error_message = "on subscriptions: ${jsonencode(google_pubsub_subscription_iam_member.runtime)}"
  }
}

run "all_that_can_be_set" {
  variables {
    instances           = 3
    command             = ["/worker"]
    args                = ["-config", "/etc/orders/pubsub.yaml"]
    cpu                 = "4"
    memory              = "2Gi"
    environment         = { ORDERS_CONFIG = "/orders.yaml" }
    deletion_protection = false
    labels              = { service = "orders" }
  }
  assert {
    condition     = google_cloud_run_v2_worker_pool.this[0].scaling[0].manual_instance_count == 3 && google_cloud_run_v2_worker_pool.this[0].template[0].containers[0].resources[0].limits == tomap({ cpu = "4", memory = "2Gi" }) && !google_cloud_run_v2_worker_pool.this[0].deletion_protection && google_cloud_run_v2_worker_pool.this[0].labels.service == "orders" && google_cloud_run_v2_worker_pool.this[0].template[0].labels.service == "orders"
    error_message = "the pool is not as the variables say"
  }
  assert {
    condition     = google_cloud_run_v2_worker_pool.this[0].template[0].containers[0].command == tolist(["/worker"]) && google_cloud_run_v2_worker_pool.this[0].template[0].containers[0].args == tolist(["-config", "/etc/orders/pubsub.yaml"])
    error_message = "it runs ${jsonencode(google_cloud_run_v2_worker_pool.this[0].template[0].containers[0])}"
  }
  assert {
    condition     = { for e in google_cloud_run_v2_worker_pool.this[0].template[0].containers[0].env : e.name => e.value } == { ORDERS_CONFIG = "/orders.yaml", QUEUE_URL = var.queue_url }
    error_message = "the environment is ${jsonencode(google_cloud_run_v2_worker_pool.this[0].template[0].containers[0].env)}"
  }
}
