# What the module makes for a push. The provider is a mock: nothing is called.

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
  variant           = "push"
  project           = "my-project"
  location          = "europe-west1"
  name              = "orders"
  image             = "europe-west1-docker.pkg.dev/my-project/images/orders:1.0.0"
  topic             = "projects/my-project/topics/orders"
  dead_topic        = "projects/my-project/topics/orders-dead"
  dead_subscription = "projects/my-project/subscriptions/orders-dead"
}

run "defaults" {
  assert {
    condition     = google_cloud_run_v2_service.this[0].name == "orders" && google_cloud_run_v2_service.this[0].location == "europe-west1" && google_cloud_run_v2_service.this[0].project == "my-project" && google_cloud_run_v2_service.this[0].deletion_protection
    error_message = "the service is ${google_cloud_run_v2_service.this[0].name}"
  }
  assert {
    condition     = google_cloud_run_v2_service.this[0].template[0].timeout == "60s" && google_cloud_run_v2_service.this[0].template[0].max_instance_request_concurrency == 80
    error_message = "an instance has ${google_cloud_run_v2_service.this[0].template[0].max_instance_request_concurrency} requests for ${google_cloud_run_v2_service.this[0].template[0].timeout}"
  }
  assert {
    condition     = google_cloud_run_v2_service.this[0].template[0].scaling[0].min_instance_count == 0 && google_cloud_run_v2_service.this[0].template[0].scaling[0].max_instance_count == 10
    error_message = "it scales otherwise"
  }
  assert {
    condition     = google_cloud_run_v2_service.this[0].template[0].containers[0].command == null && google_cloud_run_v2_service.this[0].template[0].containers[0].args == null && google_cloud_run_v2_service.this[0].template[0].containers[0].image == var.image && google_cloud_run_v2_service.this[0].template[0].containers[0].resources[0].limits == tomap({ cpu = "1", memory = "512Mi" })
    error_message = "the container is ${jsonencode(google_cloud_run_v2_service.this[0].template[0].containers[0])}"
  }
  assert {
    condition = { for e in google_cloud_run_v2_service.this[0].template[0].containers[0].env : e.name => e.value } == {
      PUSH_AUDIENCE          = "https://orders-123456789012.europe-west1.run.app"
      PUSH_SERVICE_ACCOUNT   = "orders-invoker@my-project.iam.gserviceaccount.com"
      PUSH_SIGNATURE_CHECKED = "true"
      QUEUE_URL              = "pubsub://my-project/orders?dead_subscription=orders-dead&hold=60s&max_deliveries=15"
    }
    error_message = "the environment is ${jsonencode(google_cloud_run_v2_service.this[0].template[0].containers[0].env)}"
  }
  assert {
    condition     = length(google_cloud_run_v2_worker_pool.this) == 0
    error_message = "there is a pool"
  }
  assert {
    condition     = output.id == "projects/my-project/locations/europe-west1/services/orders" && output.runtime_service_account == "orders-run@my-project.iam.gserviceaccount.com" && output.invoker_service_account == "orders-invoker@my-project.iam.gserviceaccount.com" && output.subscription == "projects/my-project/subscriptions/orders" && output.max_delivery_attempts == 15
    error_message = "the outputs are ${output.id}, ${output.runtime_service_account}, ${output.invoker_service_account}, ${output.subscription} and ${output.max_delivery_attempts}"
  }
  assert {
    condition     = output.queue_url == "pubsub://my-project/orders?dead_subscription=orders-dead&hold=60s&max_deliveries=15"
    error_message = "queue_url is ${output.queue_url}"
  }
}

run "nobody_else_may_call_it" {
  assert {
    condition     = google_cloud_run_v2_service.this[0].ingress == "INGRESS_TRAFFIC_INTERNAL_ONLY" && google_cloud_run_v2_service.this[0].invoker_iam_disabled != true
    error_message = "the service is open to ${google_cloud_run_v2_service.this[0].ingress}"
  }
  assert {
    condition     = google_cloud_run_v2_service_iam_binding.invoker[0].name == "orders" && google_cloud_run_v2_service_iam_binding.invoker[0].role == "roles/run.invoker" && google_cloud_run_v2_service_iam_binding.invoker[0].members == toset(["serviceAccount:orders-invoker@my-project.iam.gserviceaccount.com"])
    error_message = "the service may be called by ${jsonencode(google_cloud_run_v2_service_iam_binding.invoker[0].members)}"
  }
  assert {
    condition     = google_service_account.runtime.account_id == "orders-run" && google_service_account.invoker[0].account_id == "orders-invoker" && google_cloud_run_v2_service.this[0].template[0].service_account == "orders-run@my-project.iam.gserviceaccount.com"
    error_message = "the service runs as ${google_cloud_run_v2_service.this[0].template[0].service_account}"
  }
}

run "pushes_have_a_token_for_the_service" {
  assert {
    condition     = google_pubsub_subscription.push[0].push_config[0].push_endpoint == "https://orders-123456789012.europe-west1.run.app/" && output.endpoint == "https://orders-123456789012.europe-west1.run.app/"
    error_message = "pushes go to ${google_pubsub_subscription.push[0].push_config[0].push_endpoint}"
  }
  assert {
    condition     = google_pubsub_subscription.push[0].push_config[0].oidc_token[0].service_account_email == "orders-invoker@my-project.iam.gserviceaccount.com" && google_pubsub_subscription.push[0].push_config[0].oidc_token[0].audience == "https://orders-123456789012.europe-west1.run.app"
    error_message = "the token is ${jsonencode(google_pubsub_subscription.push[0].push_config[0].oidc_token)}"
  }
  assert {
    condition     = google_cloud_run_v2_service.this[0].custom_audiences == tolist([output.audience]) && output.audience == google_pubsub_subscription.push[0].push_config[0].oidc_token[0].audience
    error_message = "Cloud Run takes tokens for ${jsonencode(google_cloud_run_v2_service.this[0].custom_audiences)}"
  }
  assert {
    condition     = google_service_account_iam_member.token_creator[0].service_account_id == "projects/my-project/serviceAccounts/orders-invoker@my-project.iam.gserviceaccount.com" && google_service_account_iam_member.token_creator[0].role == "roles/iam.serviceAccountTokenCreator" && google_service_account_iam_member.token_creator[0].member == "serviceAccount:service-123456789012@gcp-sa-pubsub.iam.gserviceaccount.com"
    error_message = "Pub/Sub may not make tokens: ${jsonencode(google_service_account_iam_member.token_creator)}"
  }
}

run "tasks_are_retried_and_then_kept" {
  assert {
    condition     = google_pubsub_subscription.push[0].name == "orders" && google_pubsub_subscription.push[0].topic == var.topic && google_pubsub_subscription.push[0].project == "my-project"
    error_message = "the subscription is ${google_pubsub_subscription.push[0].name} of ${google_pubsub_subscription.push[0].topic}"
  }
  assert {
    condition     = google_pubsub_subscription.push[0].retry_policy[0].minimum_backoff == "10s" && google_pubsub_subscription.push[0].retry_policy[0].maximum_backoff == "600s"
    error_message = "failed tasks come back after ${jsonencode(google_pubsub_subscription.push[0].retry_policy)}"
  }
  assert {
    condition     = google_pubsub_subscription.push[0].dead_letter_policy[0].dead_letter_topic == var.dead_topic && google_pubsub_subscription.push[0].dead_letter_policy[0].max_delivery_attempts == 15
    error_message = "the dead-letter policy is ${jsonencode(google_pubsub_subscription.push[0].dead_letter_policy)}"
  }
  assert {
    condition     = google_pubsub_subscription.push[0].expiration_policy[0].ttl == "" && google_pubsub_subscription.push[0].message_retention_duration == "604800s" && google_pubsub_subscription.push[0].ack_deadline_seconds == 60 && google_pubsub_subscription.push[0].filter == null
    error_message = "the subscription expires, or drops or repeats tasks"
  }
  assert {
    condition     = google_pubsub_topic_iam_member.agent[0].topic == "orders-dead" && google_pubsub_topic_iam_member.agent[0].role == "roles/pubsub.publisher" && google_pubsub_topic_iam_member.agent[0].member == "serviceAccount:service-123456789012@gcp-sa-pubsub.iam.gserviceaccount.com"
    error_message = "Pub/Sub may not publish to the dead-letter topic: ${jsonencode(google_pubsub_topic_iam_member.agent)}"
  }
  assert {
    condition     = google_pubsub_subscription_iam_member.agent[0].subscription == "orders" && google_pubsub_subscription_iam_member.agent[0].role == "roles/pubsub.subscriber" && google_pubsub_subscription_iam_member.agent[0].member == google_pubsub_topic_iam_member.agent[0].member
    error_message = "Pub/Sub may not acknowledge what it forwards: ${jsonencode(google_pubsub_subscription_iam_member.agent)}"
  }
}

run "grants_are_the_least" {
  variables {
    operator_members = { oncall = "group:oncall@example.com" }
  }
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
      "serviceAccount:orders-run@my-project.iam.gserviceaccount.com roles/pubsub.viewer orders",
      "serviceAccount:orders-run@my-project.iam.gserviceaccount.com roles/pubsub.viewer orders-dead",
    ])
    error_message = "on subscriptions: ${jsonencode(google_pubsub_subscription_iam_member.runtime)}"
  }
  assert {
    condition     = [for g in google_pubsub_subscription_iam_member.operators : "${g.member} ${g.role} ${g.subscription}"] == ["group:oncall@example.com roles/pubsub.viewer orders"]
    error_message = "operators: ${jsonencode(google_pubsub_subscription_iam_member.operators)}"
  }
}

run "all_that_can_be_set" {
  variables {
    project_number          = "210987654321"
    command                 = ["/push"]
    args                    = ["-config", "/etc/orders/pubsub.yaml"]
    subscription            = "orders-push"
    dead_topic              = "projects/my-project/topics/graveyard"
    dead_subscription       = "projects/my-project/subscriptions/graveyard-pull"
    endpoint                = "https://orders.example.com"
    push_path               = "/orders"
    audience                = "orders"
    ingress                 = "INGRESS_TRAFFIC_ALL"
    request_timeout_seconds = 300
    ack_deadline_seconds    = 330
    concurrency             = 8
    min_instances           = 1
    max_instances           = 4
    cpu                     = "2"
    memory                  = "1Gi"
    max_attempts            = 8
    minimum_backoff_seconds = 5
    maximum_backoff_seconds = 60
    retention_seconds       = 86400
    environment             = { ORDERS_CONFIG = "/orders.yaml" }
    deletion_protection     = false
    labels                  = { service = "orders" }
  }
  assert {
    condition     = google_cloud_run_v2_service.this[0].template[0].timeout == "300s" && google_cloud_run_v2_service.this[0].template[0].max_instance_request_concurrency == 8 && google_cloud_run_v2_service.this[0].template[0].scaling[0].min_instance_count == 1 && google_cloud_run_v2_service.this[0].template[0].scaling[0].max_instance_count == 4 && google_cloud_run_v2_service.this[0].template[0].containers[0].resources[0].limits == tomap({ cpu = "2", memory = "1Gi" }) && google_cloud_run_v2_service.this[0].ingress == "INGRESS_TRAFFIC_ALL" && !google_cloud_run_v2_service.this[0].deletion_protection
    error_message = "the service is not as the variables say"
  }
  assert {
    condition     = google_cloud_run_v2_service.this[0].template[0].containers[0].command == tolist(["/push"]) && google_cloud_run_v2_service.this[0].template[0].containers[0].args == tolist(["-config", "/etc/orders/pubsub.yaml"])
    error_message = "it runs ${jsonencode(google_cloud_run_v2_service.this[0].template[0].containers[0])}"
  }
  assert {
    condition     = google_pubsub_subscription.push[0].name == "orders-push" && google_pubsub_subscription.push[0].ack_deadline_seconds == 330 && google_pubsub_subscription.push[0].retry_policy[0].minimum_backoff == "5s" && google_pubsub_subscription.push[0].retry_policy[0].maximum_backoff == "60s" && google_pubsub_subscription.push[0].message_retention_duration == "86400s" && google_pubsub_subscription.push[0].dead_letter_policy[0].dead_letter_topic == "projects/my-project/topics/graveyard" && google_pubsub_subscription.push[0].dead_letter_policy[0].max_delivery_attempts == 21
    error_message = "the subscription is not as the variables say"
  }
  assert {
    condition     = google_pubsub_subscription.push[0].push_config[0].push_endpoint == "https://orders.example.com/orders" && google_pubsub_subscription.push[0].push_config[0].oidc_token[0].audience == "orders" && google_cloud_run_v2_service.this[0].custom_audiences == tolist(["orders"])
    error_message = "pushes are ${jsonencode(google_pubsub_subscription.push[0].push_config)}"
  }
  assert {
    condition     = output.queue_url == "pubsub://my-project/orders?dead_subscription=graveyard-pull&dead_topic=graveyard&hold=330s&max_deliveries=21&subscription=orders-push"
    error_message = "queue_url is ${output.queue_url}"
  }
  assert {
    condition     = toset([for e in google_cloud_run_v2_service.this[0].template[0].containers[0].env : e.name]) == toset(["ORDERS_CONFIG", "PUSH_AUDIENCE", "PUSH_SERVICE_ACCOUNT", "PUSH_SIGNATURE_CHECKED", "QUEUE_URL"])
    error_message = "the environment is ${jsonencode(google_cloud_run_v2_service.this[0].template[0].containers[0].env)}"
  }
  assert {
    condition     = google_pubsub_topic_iam_member.agent[0].topic == "graveyard" && google_pubsub_topic_iam_member.agent[0].member == "serviceAccount:service-210987654321@gcp-sa-pubsub.iam.gserviceaccount.com"
    error_message = "the service agent is ${google_pubsub_topic_iam_member.agent[0].member}"
  }
  assert {
    condition     = alltrue([for labels in [google_cloud_run_v2_service.this[0].labels, google_cloud_run_v2_service.this[0].template[0].labels, google_pubsub_subscription.push[0].labels, google_monitoring_alert_policy.request_errors[0].user_labels, google_monitoring_alert_policy.oldest_age[0].user_labels] : labels.service == "orders"])
    error_message = "something has no labels"
  }
}

run "alerts" {
  variables {
    notification_channels    = ["projects/my-project/notificationChannels/1234567890"]
    alert_error_percent      = 20
    alert_oldest_age_seconds = 600
  }
  assert {
    condition     = toset(keys(output.alert_names)) == toset(["request_errors", "oldest_age"])
    error_message = "the alerts are ${jsonencode(keys(output.alert_names))}"
  }
  assert {
    condition     = strcontains(google_monitoring_alert_policy.request_errors[0].conditions[0].condition_threshold[0].filter, "service_name = \"orders\"") && strcontains(google_monitoring_alert_policy.request_errors[0].conditions[0].condition_threshold[0].filter, "response_code_class = \"5xx\"") && google_monitoring_alert_policy.request_errors[0].conditions[0].condition_threshold[0].threshold_value == 0.2
    error_message = "the alert is ${jsonencode(google_monitoring_alert_policy.request_errors[0].conditions)}"
  }
  assert {
    condition     = strcontains(google_monitoring_alert_policy.request_errors[0].conditions[0].condition_threshold[0].denominator_filter, "run.googleapis.com/request_count") && !strcontains(google_monitoring_alert_policy.request_errors[0].conditions[0].condition_threshold[0].denominator_filter, "5xx") && length(google_monitoring_alert_policy.request_errors[0].conditions[0].condition_threshold[0].denominator_aggregations) == 1
    error_message = "it is no share of all requests: ${jsonencode(google_monitoring_alert_policy.request_errors[0].conditions)}"
  }
  assert {
    condition     = strcontains(google_monitoring_alert_policy.oldest_age[0].conditions[0].condition_threshold[0].filter, "subscription_id = \"orders\"") && google_monitoring_alert_policy.oldest_age[0].conditions[0].condition_threshold[0].threshold_value == 600
    error_message = "the alert is ${jsonencode(google_monitoring_alert_policy.oldest_age[0].conditions)}"
  }
  assert {
    condition     = alltrue([for alert in concat(google_monitoring_alert_policy.request_errors, google_monitoring_alert_policy.oldest_age) : alert.notification_channels == tolist(var.notification_channels)])
    error_message = "an alert goes elsewhere"
  }
}

run "without_alerts" {
  variables {
    alerts = false
  }
  assert {
    condition     = length(output.alert_names) == 0
    error_message = "there are alerts"
  }
}

run "another_url_than_expected" {
  command = plan

  variables {
    project_number = "210987654321"
  }

  expect_failures = [google_cloud_run_v2_service.this]
}
