# What the module makes. The provider is a mock: nothing is called.

mock_provider "google" {
  override_data {
    target = data.google_project.this
    values = { number = "123456789012" }
  }
  override_resource {
    target = google_pubsub_topic.this
    values = { id = "projects/my-project/topics/orders" }
  }
  override_resource {
    target = google_pubsub_topic.dead
    values = { id = "projects/my-project/topics/orders-dead" }
  }
  override_resource {
    target = google_pubsub_subscription.this
    values = { id = "projects/my-project/subscriptions/orders" }
  }
  override_resource {
    target = google_pubsub_subscription.dead
    values = { id = "projects/my-project/subscriptions/orders-dead" }
  }
}

variables {
  project = "my-project"
  name    = "orders"
}

run "defaults" {
  assert {
    condition     = output.url == "pubsub://my-project/orders"
    error_message = "url is ${output.url}"
  }
  assert {
    condition     = output.url_declared == "pubsub://my-project/orders?dead_subscription=orders-dead&hold=60s&max_deliveries=15"
    error_message = "url_declared is ${output.url_declared}"
  }
  assert {
    condition     = output.doctor_command == "longshore doctor --queue '${output.url_declared}' --max-attempts 5 --timeout 600s"
    error_message = "doctor_command is ${output.doctor_command}"
  }
  assert {
    condition     = output.topic == "projects/my-project/topics/orders" && output.subscription == "projects/my-project/subscriptions/orders" && output.dead_topic == "projects/my-project/topics/orders-dead" && output.dead_subscription == "projects/my-project/subscriptions/orders-dead"
    error_message = "the names are ${output.topic}, ${output.subscription}, ${output.dead_topic} and ${output.dead_subscription}"
  }
  assert {
    condition     = google_pubsub_topic.this.name == "orders" && google_pubsub_subscription.this[0].name == "orders" && google_pubsub_topic.dead.name == "orders-dead" && google_pubsub_subscription.dead.name == "orders-dead"
    error_message = "a topic or subscription is called otherwise"
  }
  assert {
    condition     = alltrue([for project in [google_pubsub_topic.this.project, google_pubsub_topic.dead.project, google_pubsub_subscription.this[0].project, google_pubsub_subscription.dead.project] : project == "my-project"])
    error_message = "something is in another project"
  }
  assert {
    condition     = google_pubsub_subscription.this[0].topic == google_pubsub_topic.this.id
    error_message = "the subscription is one of ${google_pubsub_subscription.this[0].topic}"
  }
  assert {
    condition     = google_pubsub_subscription.this[0].ack_deadline_seconds == 60 && google_pubsub_subscription.dead.ack_deadline_seconds == 60
    error_message = "the ack deadlines are not 60 s"
  }
  assert {
    condition     = length(google_pubsub_subscription.this[0].retry_policy) == 0
    error_message = "there is a retry policy, which adds to the worker's backoff"
  }
  assert {
    condition     = !google_pubsub_subscription.this[0].enable_message_ordering && !google_pubsub_subscription.this[0].enable_exactly_once_delivery
    error_message = "it is ordered or exactly once"
  }
}

run "dead_tasks_are_kept" {
  assert {
    condition     = google_pubsub_subscription.this[0].dead_letter_policy[0].dead_letter_topic == google_pubsub_topic.dead.id && google_pubsub_subscription.this[0].dead_letter_policy[0].max_delivery_attempts == 15
    error_message = "the dead-letter policy is ${jsonencode(google_pubsub_subscription.this[0].dead_letter_policy)}"
  }
  assert {
    condition     = google_pubsub_subscription.dead.topic == google_pubsub_topic.dead.id
    error_message = "the dead letter's subscription is one of ${google_pubsub_subscription.dead.topic}, so nothing keeps dead tasks"
  }
  assert {
    condition     = google_pubsub_subscription.this[0].message_retention_duration == "604800s" && google_pubsub_subscription.dead.message_retention_duration == "2678400s"
    error_message = "the retentions are not 7 and 31 days"
  }
  assert {
    condition     = google_pubsub_subscription.this[0].expiration_policy[0].ttl == "" && google_pubsub_subscription.dead.expiration_policy[0].ttl == ""
    error_message = "a subscription that nobody uses is deleted"
  }
  assert {
    condition     = google_pubsub_subscription.dead.filter == null && length(google_pubsub_subscription.dead.dead_letter_policy) == 0
    error_message = "the dead letter has a filter, or a dead letter of its own"
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

run "nobody_else_is_granted_anything" {
  assert {
    condition     = length(google_pubsub_topic_iam_member.members) == 0 && length(google_pubsub_subscription_iam_member.members) == 0
    error_message = "somebody is"
  }
}

run "grants_are_the_least" {
  variables {
    producer_members = { shop = "serviceAccount:shop@my-project.iam.gserviceaccount.com" }
    worker_members   = { payer = "serviceAccount:payer@my-project.iam.gserviceaccount.com" }
    operator_members = { oncall = "group:oncall@example.com" }
  }
  assert {
    condition = toset([for g in google_pubsub_topic_iam_member.members : "${g.member} ${g.role} ${g.topic}"]) == toset([
      "serviceAccount:shop@my-project.iam.gserviceaccount.com roles/pubsub.publisher orders",
      "serviceAccount:payer@my-project.iam.gserviceaccount.com roles/pubsub.publisher orders",
      "serviceAccount:payer@my-project.iam.gserviceaccount.com roles/pubsub.viewer orders",
      "serviceAccount:payer@my-project.iam.gserviceaccount.com roles/pubsub.publisher orders-dead",
      "group:oncall@example.com roles/pubsub.publisher orders",
    ])
    error_message = "on topics: ${jsonencode([for g in google_pubsub_topic_iam_member.members : "${g.member} ${g.role} ${g.topic}"])}"
  }
  assert {
    condition = toset([for g in google_pubsub_subscription_iam_member.members : "${g.member} ${g.role} ${g.subscription}"]) == toset([
      "serviceAccount:payer@my-project.iam.gserviceaccount.com roles/pubsub.subscriber orders",
      "serviceAccount:payer@my-project.iam.gserviceaccount.com roles/pubsub.viewer orders",
      "serviceAccount:payer@my-project.iam.gserviceaccount.com roles/pubsub.viewer orders-dead",
      "group:oncall@example.com roles/pubsub.viewer orders",
      "group:oncall@example.com roles/pubsub.subscriber orders-dead",
      "group:oncall@example.com roles/pubsub.viewer orders-dead",
    ])
    error_message = "on subscriptions: ${jsonencode([for g in google_pubsub_subscription_iam_member.members : "${g.member} ${g.role} ${g.subscription}"])}"
  }
}

run "names_that_differ_stand_in_the_url" {
  variables {
    topic             = "shop-orders"
    subscription      = "shop-orders-worker"
    dead_topic        = "shop-dead"
    dead_subscription = "shop-dead-pull"
  }
  assert {
    condition     = output.url == "pubsub://my-project/orders?dead_subscription=shop-dead-pull&dead_topic=shop-dead&subscription=shop-orders-worker&topic=shop-orders"
    error_message = "url is ${output.url}"
  }
  assert {
    condition     = output.url_declared == "pubsub://my-project/orders?dead_subscription=shop-dead-pull&dead_topic=shop-dead&hold=60s&max_deliveries=15&subscription=shop-orders-worker&topic=shop-orders"
    error_message = "url_declared is ${output.url_declared}"
  }
  assert {
    condition     = google_pubsub_topic.this.name == "shop-orders" && google_pubsub_subscription.this[0].name == "shop-orders-worker" && google_pubsub_topic.dead.name == "shop-dead" && google_pubsub_subscription.dead.name == "shop-dead-pull"
    error_message = "a topic or subscription is called otherwise"
  }
  assert {
    condition     = google_pubsub_topic_iam_member.agent[0].topic == "shop-dead" && google_pubsub_subscription_iam_member.agent[0].subscription == "shop-orders-worker"
    error_message = "Pub/Sub's service agent is granted something else"
  }
  assert {
    condition     = strcontains(google_monitoring_alert_policy.dead_letters[0].conditions[0].condition_threshold[0].filter, "\"shop-dead-pull\"") && strcontains(google_monitoring_alert_policy.oldest_age[0].conditions[0].condition_threshold[0].filter, "\"shop-orders-worker\"")
    error_message = "the alerts watch something else"
  }
}

run "names_given_as_they_are_by_default_do_not" {
  variables {
    topic             = "orders"
    subscription      = "orders"
    dead_topic        = "orders-dead"
    dead_subscription = "orders-dead"
  }
  assert {
    condition     = output.url == "pubsub://my-project/orders"
    error_message = "url is ${output.url}"
  }
}

run "ordered_and_exactly_once" {
  variables {
    ordering     = true
    exactly_once = true
  }
  assert {
    condition     = google_pubsub_subscription.this[0].enable_message_ordering && google_pubsub_subscription.this[0].enable_exactly_once_delivery
    error_message = "the subscription is not"
  }
  assert {
    condition     = output.url == "pubsub://my-project/orders?exactly_once=true&ordering=true"
    error_message = "url is ${output.url}"
  }
  assert {
    condition     = output.max_delivery_attempts == 100
    error_message = "max_delivery_attempts is ${output.max_delivery_attempts}, which returns behind the head of a group use up"
  }
}

run "limits_follow_from_the_attempts" {
  variables {
    max_attempts = 10
  }
  assert {
    condition     = output.max_delivery_attempts == 25 && google_pubsub_subscription.this[0].dead_letter_policy[0].max_delivery_attempts == 25
    error_message = "max_delivery_attempts is ${output.max_delivery_attempts}"
  }
}

run "limits_follow_from_the_deliveries" {
  variables {
    max_deliveries = 8
  }
  assert {
    condition     = output.max_delivery_attempts == 11
    error_message = "max_delivery_attempts is ${output.max_delivery_attempts}"
  }
}

run "limits_are_five_at_least" {
  variables {
    max_attempts   = 1
    max_deliveries = 1
  }
  assert {
    condition     = output.max_delivery_attempts == 5
    error_message = "max_delivery_attempts is ${output.max_delivery_attempts}"
  }
}

run "a_limit_that_is_given" {
  variables {
    max_delivery_attempts = 50
  }
  assert {
    condition     = google_pubsub_subscription.this[0].dead_letter_policy[0].max_delivery_attempts == 50 && strcontains(output.url_declared, "max_deliveries=50")
    error_message = "it is ${output.url_declared}"
  }
}

run "a_project_number_is_not_looked_up" {
  variables {
    project_number = "987654321098"
  }
  assert {
    condition     = length(data.google_project.this) == 0 && google_pubsub_topic_iam_member.agent[0].member == "serviceAccount:service-987654321098@gcp-sa-pubsub.iam.gserviceaccount.com"
    error_message = "the service agent is ${google_pubsub_topic_iam_member.agent[0].member}"
  }
}

run "with_a_key" {
  variables {
    kms_key_name = "projects/my-project/locations/europe-west1/keyRings/queues/cryptoKeys/orders"
  }
  assert {
    condition     = google_pubsub_topic.this.kms_key_name == var.kms_key_name && google_pubsub_topic.dead.kms_key_name == var.kms_key_name
    error_message = "a topic is not encrypted by the key"
  }
}

run "alerts_watch_the_two_subscriptions" {
  assert {
    condition = (google_monitoring_alert_policy.dead_letters[0].conditions[0].condition_threshold[0].filter ==
    "resource.type = \"pubsub_subscription\" AND resource.labels.subscription_id = \"orders-dead\" AND metric.type = \"pubsub.googleapis.com/subscription/num_undelivered_messages\"")
    error_message = "dead letters: ${google_monitoring_alert_policy.dead_letters[0].conditions[0].condition_threshold[0].filter}"
  }
  assert {
    condition = (google_monitoring_alert_policy.oldest_age[0].conditions[0].condition_threshold[0].filter ==
    "resource.type = \"pubsub_subscription\" AND resource.labels.subscription_id = \"orders\" AND metric.type = \"pubsub.googleapis.com/subscription/oldest_unacked_message_age\"")
    error_message = "oldest age: ${google_monitoring_alert_policy.oldest_age[0].conditions[0].condition_threshold[0].filter}"
  }
  assert {
    condition     = google_monitoring_alert_policy.dead_letters[0].conditions[0].condition_threshold[0].threshold_value == 0 && google_monitoring_alert_policy.oldest_age[0].conditions[0].condition_threshold[0].threshold_value == 3600
    error_message = "the thresholds are not one dead letter and an hour"
  }
  assert {
    condition     = length(output.alert_names) == 2
    error_message = "there are ${length(output.alert_names)} alerts"
  }
}

run "alerts_go_to_channels" {
  variables {
    notification_channels    = ["projects/my-project/notificationChannels/1234567890"]
    alert_dead_letters       = 10
    alert_oldest_age_seconds = 600
    labels                   = { service = "orders" }
  }
  assert {
    condition     = google_monitoring_alert_policy.dead_letters[0].notification_channels[0] == var.notification_channels[0] && google_monitoring_alert_policy.oldest_age[0].notification_channels[0] == var.notification_channels[0]
    error_message = "an alert goes elsewhere"
  }
  assert {
    condition     = google_monitoring_alert_policy.dead_letters[0].conditions[0].condition_threshold[0].threshold_value == 9 && google_monitoring_alert_policy.oldest_age[0].conditions[0].condition_threshold[0].threshold_value == 600
    error_message = "the thresholds are not as the variables say"
  }
  assert {
    condition     = google_pubsub_topic.this.labels.service == "orders" && google_pubsub_subscription.dead.labels.service == "orders" && google_monitoring_alert_policy.oldest_age[0].user_labels.service == "orders"
    error_message = "something has no labels"
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

run "without_a_subscription" {
  variables {
    pull             = false
    producer_members = { shop = "serviceAccount:shop@my-project.iam.gserviceaccount.com" }
    worker_members   = { payer = "serviceAccount:payer@my-project.iam.gserviceaccount.com" }
    operator_members = { oncall = "group:oncall@example.com" }
  }
  assert {
    condition     = length(google_pubsub_subscription.this) == 0 && length(google_pubsub_topic_iam_member.agent) == 0 && length(google_pubsub_subscription_iam_member.agent) == 0
    error_message = "there is a subscription that gets a copy of all tasks"
  }
  assert {
    condition     = google_pubsub_subscription.dead.name == "orders-dead" && google_pubsub_topic.dead.name == "orders-dead"
    error_message = "there is no dead letter"
  }
  assert {
    condition     = alltrue([for g in google_pubsub_subscription_iam_member.members : g.subscription == "orders-dead"]) && length(google_pubsub_subscription_iam_member.members) == 3
    error_message = "somebody may use a subscription that there is not, or not the dead letter's"
  }
  assert {
    condition     = output.url == "pubsub://my-project/orders" && output.url_declared == null && output.doctor_command == null && output.subscription == null && output.max_delivery_attempts == null
    error_message = "outputs are of a subscription that there is not"
  }
  assert {
    condition     = keys(output.alert_names) == ["dead_letters"]
    error_message = "the alerts are ${jsonencode(keys(output.alert_names))}"
  }
}
