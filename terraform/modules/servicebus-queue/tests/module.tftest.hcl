# What the module makes. The provider is a mock: nothing is called.

mock_provider "azurerm" {
  override_resource {
    target = azurerm_servicebus_namespace.this
    values = { id = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/shop/providers/Microsoft.ServiceBus/namespaces/my-namespace" }
  }
  override_resource {
    target = azurerm_servicebus_queue.this
    values = { id = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/shop/providers/Microsoft.ServiceBus/namespaces/my-namespace/queues/orders" }
  }
}

variables {
  resource_group_name = "shop"
  location            = "westeurope"
  namespace_name      = "my-namespace"
  name                = "orders"
}

run "defaults" {
  assert {
    condition     = output.url == "servicebus://my-namespace.servicebus.windows.net/orders"
    error_message = "url is ${output.url}"
  }
  assert {
    condition     = output.url_declared == "servicebus://my-namespace.servicebus.windows.net/orders?hold=60s&max_deliveries=15"
    error_message = "url_declared is ${output.url_declared}"
  }
  assert {
    condition     = output.doctor_command == "longshore doctor --queue '${output.url_declared}' --max-attempts 5 --timeout 600s"
    error_message = "doctor_command is ${output.doctor_command}"
  }
  assert {
    condition     = output.namespace_host == "my-namespace.servicebus.windows.net"
    error_message = "namespace_host is ${output.namespace_host}"
  }
  assert {
    condition     = output.namespace_id == azurerm_servicebus_namespace.this[0].id && output.queue_id == "${azurerm_servicebus_namespace.this[0].id}/queues/orders"
    error_message = "the ids are ${output.namespace_id} and ${output.queue_id}"
  }
  assert {
    condition     = azurerm_servicebus_queue.this.name == "orders" && azurerm_servicebus_queue.this.namespace_id == azurerm_servicebus_namespace.this[0].id
    error_message = "the queue is ${azurerm_servicebus_queue.this.name} of ${azurerm_servicebus_queue.this.namespace_id}"
  }
  assert {
    condition     = azurerm_servicebus_queue.this.lock_duration == "PT1M" && azurerm_servicebus_queue.this.max_delivery_count == 15 && output.max_delivery_count == 15
    error_message = "lock duration and deliveries are ${azurerm_servicebus_queue.this.lock_duration} and ${azurerm_servicebus_queue.this.max_delivery_count}"
  }
  assert {
    condition     = !azurerm_servicebus_queue.this.requires_session && !azurerm_servicebus_queue.this.requires_duplicate_detection && !azurerm_servicebus_queue.this.partitioning_enabled
    error_message = "it has sessions, detects duplicates or is partitioned"
  }
}

run "nothing_is_lost" {
  assert {
    condition     = azurerm_servicebus_queue.this.dead_lettering_on_message_expiration
    error_message = "what expires is lost"
  }
  assert {
    condition     = azurerm_servicebus_queue.this.default_message_ttl == "P10675199DT2H48M5.4775807S"
    error_message = "tasks expire after ${azurerm_servicebus_queue.this.default_message_ttl}"
  }
  assert {
    condition     = azurerm_servicebus_queue.this.auto_delete_on_idle == "P10675199DT2H48M5.4775807S"
    error_message = "a queue that nobody uses is deleted after ${azurerm_servicebus_queue.this.auto_delete_on_idle}"
  }
  assert {
    condition     = azurerm_servicebus_queue.this.forward_dead_lettered_messages_to == null && azurerm_servicebus_queue.this.forward_to == null
    error_message = "messages or dead letters are forwarded, and no worker can read them here"
  }
  assert {
    condition     = azurerm_servicebus_queue.this.express_enabled == null && azurerm_servicebus_queue.this.status == null
    error_message = "the queue holds messages in memory, or is not active"
  }
}

run "the_namespace_that_is_made" {
  variables {
    tags = { service = "orders" }
  }
  assert {
    condition     = length(data.azurerm_servicebus_namespace.existing) == 0
    error_message = "one that is there is read"
  }
  assert {
    condition     = azurerm_servicebus_namespace.this[0].name == "my-namespace" && azurerm_servicebus_namespace.this[0].resource_group_name == "shop" && azurerm_servicebus_namespace.this[0].location == "westeurope"
    error_message = "it is made elsewhere: ${jsonencode(azurerm_servicebus_namespace.this[0])}"
  }
  assert {
    condition     = azurerm_servicebus_namespace.this[0].sku == "Standard" && azurerm_servicebus_namespace.this[0].capacity == 0 && azurerm_servicebus_namespace.this[0].premium_messaging_partitions == 0
    error_message = "it is ${azurerm_servicebus_namespace.this[0].sku}, with capacity ${azurerm_servicebus_namespace.this[0].capacity}"
  }
  assert {
    condition     = !azurerm_servicebus_namespace.this[0].local_auth_enabled
    error_message = "it takes keys"
  }
  assert {
    condition     = azurerm_servicebus_namespace.this[0].tags.service == "orders"
    error_message = "it has no tags"
  }
}

run "premium" {
  variables {
    sku                = "Premium"
    capacity           = 4
    max_size_megabytes = 81920
    local_auth_enabled = true
  }
  assert {
    condition     = azurerm_servicebus_namespace.this[0].sku == "Premium" && azurerm_servicebus_namespace.this[0].capacity == 4 && azurerm_servicebus_namespace.this[0].premium_messaging_partitions == 1
    error_message = "it is ${azurerm_servicebus_namespace.this[0].sku}, with capacity ${azurerm_servicebus_namespace.this[0].capacity} and ${azurerm_servicebus_namespace.this[0].premium_messaging_partitions} partitions"
  }
  assert {
    condition     = output.url == "servicebus://my-namespace.servicebus.windows.net/orders?tier=premium"
    error_message = "url is ${output.url}"
  }
  assert {
    condition     = azurerm_servicebus_queue.this.max_size_in_megabytes == 81920
    error_message = "the queue's size is ${azurerm_servicebus_queue.this.max_size_in_megabytes}"
  }
  assert {
    condition     = azurerm_servicebus_namespace.this[0].local_auth_enabled
    error_message = "it takes no keys"
  }
}

run "in_a_namespace_that_is_there" {
  variables {
    create_namespace = false
    namespace_id     = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/shared/providers/Microsoft.ServiceBus/namespaces/their-namespace"
    namespace_name   = null
    location         = null
  }
  override_data {
    target = data.azurerm_servicebus_namespace.existing
    values = { id = "as-it-is-read", sku = "Standard", premium_messaging_partitions = 0 }
  }
  assert {
    condition     = length(azurerm_servicebus_namespace.this) == 0
    error_message = "a namespace is made"
  }
  assert {
    condition     = data.azurerm_servicebus_namespace.existing[0].name == "their-namespace" && data.azurerm_servicebus_namespace.existing[0].resource_group_name == "shared"
    error_message = "another one is read: ${data.azurerm_servicebus_namespace.existing[0].name} in ${data.azurerm_servicebus_namespace.existing[0].resource_group_name}"
  }
  assert {
    condition     = azurerm_servicebus_queue.this.namespace_id == var.namespace_id && output.namespace_id == var.namespace_id
    error_message = "the queue is in ${azurerm_servicebus_queue.this.namespace_id}"
  }
  assert {
    condition     = output.url == "servicebus://their-namespace.servicebus.windows.net/orders"
    error_message = "url is ${output.url}"
  }
  assert {
    condition     = azurerm_monitor_metric_alert.dead_letters[0].name == "their-namespace-orders-dead-letters" && azurerm_monitor_metric_alert.dead_letters[0].resource_group_name == "shop" && azurerm_monitor_metric_alert.dead_letters[0].scopes == toset([var.namespace_id])
    error_message = "the alert is ${azurerm_monitor_metric_alert.dead_letters[0].name} in ${azurerm_monitor_metric_alert.dead_letters[0].resource_group_name}"
  }
}

run "in_a_premium_namespace_that_is_partitioned" {
  variables {
    create_namespace = false
    namespace_id     = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/shared/providers/Microsoft.ServiceBus/namespaces/their-namespace"
    namespace_name   = null
    partitioning     = true
  }
  override_data {
    target = data.azurerm_servicebus_namespace.existing
    values = { sku = "Premium", premium_messaging_partitions = 2 }
  }
  assert {
    condition     = azurerm_servicebus_queue.this.partitioning_enabled
    error_message = "the queue is not partitioned"
  }
  assert {
    condition     = output.url == "servicebus://their-namespace.servicebus.windows.net/orders?tier=premium"
    error_message = "url is ${output.url}"
  }
}

run "in_another_cloud" {
  variables {
    domain = "servicebus.chinacloudapi.cn"
  }
  assert {
    condition     = output.url == "servicebus://my-namespace.servicebus.chinacloudapi.cn/orders"
    error_message = "url is ${output.url}"
  }
}

run "sessions_and_duplicate_detection" {
  variables {
    sessions             = true
    dedup                = true
    dedup_window_seconds = 3661
  }
  assert {
    condition     = azurerm_servicebus_queue.this.requires_session && azurerm_servicebus_queue.this.requires_duplicate_detection && azurerm_servicebus_queue.this.duplicate_detection_history_time_window == "PT1H1M1S"
    error_message = "the queue has neither, or a window of ${azurerm_servicebus_queue.this.duplicate_detection_history_time_window}"
  }
  assert {
    condition     = output.url == "servicebus://my-namespace.servicebus.windows.net/orders?dedup=true&sessions=true"
    error_message = "url is ${output.url}"
  }
  assert {
    condition     = output.url_declared == "servicebus://my-namespace.servicebus.windows.net/orders?dedup=true&hold=60s&max_deliveries=15&sessions=true"
    error_message = "url_declared is ${output.url_declared}"
  }
}

run "sessions_alone" {
  variables {
    sessions = true
  }
  assert {
    condition     = azurerm_servicebus_queue.this.requires_session && !azurerm_servicebus_queue.this.requires_duplicate_detection
    error_message = "the queue has no sessions, or detects duplicates"
  }
  assert {
    condition     = output.url == "servicebus://my-namespace.servicebus.windows.net/orders?sessions=true"
    error_message = "url is ${output.url}"
  }
}

run "duplicate_detection_alone" {
  variables {
    dedup = true
  }
  assert {
    condition     = azurerm_servicebus_queue.this.requires_duplicate_detection && !azurerm_servicebus_queue.this.requires_session
    error_message = "the queue detects no duplicates, or has sessions"
  }
  assert {
    condition     = output.url == "servicebus://my-namespace.servicebus.windows.net/orders?dedup=true"
    error_message = "url is ${output.url}"
  }
}

# A duration that is written otherwise than Service Bus does would be changed by every apply.

run "durations_are_written_as_service_bus_does" {
  variables {
    hold_seconds         = 90
    retention_seconds    = 1209600
    dedup_window_seconds = 600
  }
  assert {
    condition     = azurerm_servicebus_queue.this.lock_duration == "PT1M30S" && azurerm_servicebus_queue.this.default_message_ttl == "P14D" && azurerm_servicebus_queue.this.duplicate_detection_history_time_window == "PT10M"
    error_message = "they are ${azurerm_servicebus_queue.this.lock_duration}, ${azurerm_servicebus_queue.this.default_message_ttl} and ${azurerm_servicebus_queue.this.duplicate_detection_history_time_window}"
  }
  assert {
    condition     = strcontains(output.url_declared, "hold=90s")
    error_message = "url_declared is ${output.url_declared}"
  }
}

run "also_long_ones_with_all_parts" {
  variables {
    hold_seconds         = 300
    retention_seconds    = 93784
    dedup_window_seconds = 86400
  }
  assert {
    condition     = azurerm_servicebus_queue.this.lock_duration == "PT5M" && azurerm_servicebus_queue.this.default_message_ttl == "P1DT2H3M4S" && azurerm_servicebus_queue.this.duplicate_detection_history_time_window == "P1D"
    error_message = "they are ${azurerm_servicebus_queue.this.lock_duration}, ${azurerm_servicebus_queue.this.default_message_ttl} and ${azurerm_servicebus_queue.this.duplicate_detection_history_time_window}"
  }
}

run "and_those_with_gaps" {
  variables {
    hold_seconds         = 5
    retention_seconds    = 86401
    dedup_window_seconds = 7200
  }
  assert {
    condition     = azurerm_servicebus_queue.this.lock_duration == "PT5S" && azurerm_servicebus_queue.this.default_message_ttl == "P1DT1S" && azurerm_servicebus_queue.this.duplicate_detection_history_time_window == "PT2H"
    error_message = "they are ${azurerm_servicebus_queue.this.lock_duration}, ${azurerm_servicebus_queue.this.default_message_ttl} and ${azurerm_servicebus_queue.this.duplicate_detection_history_time_window}"
  }
}

run "limits_follow_from_the_attempts" {
  variables {
    max_attempts = 10
  }
  assert {
    condition     = output.max_delivery_count == 25 && azurerm_servicebus_queue.this.max_delivery_count == 25 && strcontains(output.url_declared, "max_deliveries=25")
    error_message = "max_delivery_count is ${output.max_delivery_count}"
  }
  assert {
    condition     = strcontains(output.doctor_command, "--max-attempts 10 ")
    error_message = "doctor_command is ${output.doctor_command}"
  }
}

run "limits_follow_from_the_deliveries" {
  variables {
    max_deliveries = 8
  }
  assert {
    condition     = output.max_delivery_count == 11
    error_message = "max_delivery_count is ${output.max_delivery_count}"
  }
}

run "a_limit_that_is_given" {
  variables {
    max_delivery_count = 50
    timeout_seconds    = 1800
  }
  assert {
    condition     = azurerm_servicebus_queue.this.max_delivery_count == 50 && strcontains(output.url_declared, "max_deliveries=50")
    error_message = "it is ${output.url_declared}"
  }
  assert {
    condition     = endswith(output.doctor_command, " --timeout 1800s")
    error_message = "doctor_command is ${output.doctor_command}"
  }
}

run "nobody_is_granted_anything" {
  assert {
    condition     = length(azurerm_role_assignment.principals) == 0
    error_message = "somebody is"
  }
}

run "grants_are_the_least" {
  variables {
    producer_principals = { shop = { id = "11111111-1111-1111-1111-111111111111" } }
    worker_principals   = { payer = { id = "22222222-2222-2222-2222-222222222222" } }
    operator_principals = { oncall = { id = "33333333-3333-3333-3333-333333333333", type = "Group" } }
  }
  assert {
    condition = toset([for g in azurerm_role_assignment.principals : "${g.principal_id} ${g.principal_type}: ${g.role_definition_name}"]) == toset([
      "11111111-1111-1111-1111-111111111111 ServicePrincipal: Azure Service Bus Data Sender",
      "22222222-2222-2222-2222-222222222222 ServicePrincipal: Azure Service Bus Data Receiver",
      "22222222-2222-2222-2222-222222222222 ServicePrincipal: Azure Service Bus Data Sender",
      "33333333-3333-3333-3333-333333333333 Group: Azure Service Bus Data Receiver",
      "33333333-3333-3333-3333-333333333333 Group: Azure Service Bus Data Sender",
    ])
    error_message = "they are ${jsonencode([for g in azurerm_role_assignment.principals : "${g.principal_id} ${g.principal_type}: ${g.role_definition_name}"])}"
  }
  assert {
    condition     = alltrue([for g in azurerm_role_assignment.principals : g.scope == azurerm_servicebus_queue.this.id])
    error_message = "somebody is granted something on more than the queue"
  }
  assert {
    condition     = jsonencode(output.roles) == jsonencode({ producer = ["Azure Service Bus Data Sender"], worker = ["Azure Service Bus Data Receiver", "Azure Service Bus Data Sender"], operator = ["Azure Service Bus Data Receiver", "Azure Service Bus Data Sender"] })
    error_message = "roles are ${jsonencode(output.roles)}"
  }
}

run "a_worker_that_reads_the_configuration" {
  variables {
    worker_principals   = { payer = { id = "22222222-2222-2222-2222-222222222222" } }
    operator_principals = { oncall = { id = "33333333-3333-3333-3333-333333333333", type = "User" } }
    data_owners         = ["worker"]
  }
  assert {
    condition = toset([for g in azurerm_role_assignment.principals : "${g.principal_id} ${g.principal_type}: ${g.role_definition_name}"]) == toset([
      "22222222-2222-2222-2222-222222222222 ServicePrincipal: Azure Service Bus Data Owner",
      "33333333-3333-3333-3333-333333333333 User: Azure Service Bus Data Receiver",
      "33333333-3333-3333-3333-333333333333 User: Azure Service Bus Data Sender",
    ])
    error_message = "grants are ${jsonencode([for g in azurerm_role_assignment.principals : "${g.principal_id} ${g.principal_type}: ${g.role_definition_name}"])}"
  }
}

run "an_operator_who_reads_the_configuration" {
  variables {
    worker_principals   = { payer = { id = "22222222-2222-2222-2222-222222222222" } }
    operator_principals = { oncall = { id = "33333333-3333-3333-3333-333333333333", type = "User" } }
    data_owners         = ["operator"]
  }
  assert {
    condition = toset([for g in azurerm_role_assignment.principals : "${g.principal_id}: ${g.role_definition_name}"]) == toset([
      "22222222-2222-2222-2222-222222222222: Azure Service Bus Data Receiver",
      "22222222-2222-2222-2222-222222222222: Azure Service Bus Data Sender",
      "33333333-3333-3333-3333-333333333333: Azure Service Bus Data Owner",
    ])
    error_message = "grants are ${jsonencode([for g in azurerm_role_assignment.principals : "${g.principal_id}: ${g.role_definition_name}"])}"
  }
}

run "alerts_watch_this_queue_alone" {
  variables {
    name = "shop/orders"
  }
  assert {
    condition = alltrue([for alert in [azurerm_monitor_metric_alert.dead_letters[0], azurerm_monitor_metric_alert.backlog[0]] :
      alert.scopes == toset([azurerm_servicebus_namespace.this[0].id]) &&
      alert.criteria[0].metric_namespace == "Microsoft.ServiceBus/namespaces" &&
      length(alert.criteria[0].dimension) == 1 &&
      alert.criteria[0].dimension[0].name == "EntityName" &&
      alert.criteria[0].dimension[0].operator == "Include" &&
      alert.criteria[0].dimension[0].values == tolist(["shop/orders"])
    ])
    error_message = "an alert watches something else: ${jsonencode(azurerm_monitor_metric_alert.dead_letters[0].criteria)} ${jsonencode(azurerm_monitor_metric_alert.backlog[0].criteria)}"
  }
  assert {
    condition     = azurerm_monitor_metric_alert.dead_letters[0].name == "my-namespace-shop-orders-dead-letters" && azurerm_monitor_metric_alert.backlog[0].name == "my-namespace-shop-orders-backlog"
    error_message = "the alerts are ${azurerm_monitor_metric_alert.dead_letters[0].name} and ${azurerm_monitor_metric_alert.backlog[0].name}"
  }
  assert {
    condition     = output.url == "servicebus://my-namespace.servicebus.windows.net/shop/orders"
    error_message = "url is ${output.url}"
  }
}

run "alerts_are_on_one_dead_letter_and_a_lasting_backlog" {
  assert {
    condition     = azurerm_monitor_metric_alert.dead_letters[0].criteria[0].metric_name == "DeadletteredMessages" && azurerm_monitor_metric_alert.dead_letters[0].criteria[0].aggregation == "Maximum" && azurerm_monitor_metric_alert.dead_letters[0].criteria[0].operator == "GreaterThanOrEqual" && azurerm_monitor_metric_alert.dead_letters[0].criteria[0].threshold == 1
    error_message = "dead letters: ${jsonencode(azurerm_monitor_metric_alert.dead_letters[0].criteria)}"
  }
  assert {
    condition     = azurerm_monitor_metric_alert.dead_letters[0].frequency == "PT1M" && azurerm_monitor_metric_alert.dead_letters[0].window_size == "PT5M" && azurerm_monitor_metric_alert.dead_letters[0].severity == 2
    error_message = "dead letters are looked at every ${azurerm_monitor_metric_alert.dead_letters[0].frequency} over ${azurerm_monitor_metric_alert.dead_letters[0].window_size}"
  }
  assert {
    condition     = azurerm_monitor_metric_alert.backlog[0].criteria[0].metric_name == "ActiveMessages" && azurerm_monitor_metric_alert.backlog[0].criteria[0].aggregation == "Minimum" && azurerm_monitor_metric_alert.backlog[0].criteria[0].operator == "GreaterThanOrEqual" && azurerm_monitor_metric_alert.backlog[0].criteria[0].threshold == 1000
    error_message = "backlog: ${jsonencode(azurerm_monitor_metric_alert.backlog[0].criteria)}"
  }
  assert {
    condition     = azurerm_monitor_metric_alert.backlog[0].frequency == "PT5M" && azurerm_monitor_metric_alert.backlog[0].window_size == "PT15M" && azurerm_monitor_metric_alert.backlog[0].severity == 2
    error_message = "a backlog is looked at every ${azurerm_monitor_metric_alert.backlog[0].frequency} over ${azurerm_monitor_metric_alert.backlog[0].window_size}"
  }
  assert {
    condition     = output.alert_ids == { dead_letters = azurerm_monitor_metric_alert.dead_letters[0].id, backlog = azurerm_monitor_metric_alert.backlog[0].id }
    error_message = "alert_ids are ${jsonencode(output.alert_ids)}"
  }
}

run "alerts_go_to_action_groups" {
  variables {
    action_group_ids = [
      "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/shop/providers/Microsoft.Insights/actionGroups/mail",
      "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/shop/providers/microsoft.insights/actionGroups/pager",
    ]
    alert_dead_letters = 10
    alert_backlog      = 50
    tags               = { service = "orders" }
  }
  assert {
    condition     = alltrue([for alert in [azurerm_monitor_metric_alert.dead_letters[0], azurerm_monitor_metric_alert.backlog[0]] : toset([for a in alert.action : a.action_group_id]) == toset(var.action_group_ids)])
    error_message = "an alert goes elsewhere"
  }
  assert {
    condition     = azurerm_monitor_metric_alert.dead_letters[0].criteria[0].threshold == 10 && azurerm_monitor_metric_alert.backlog[0].criteria[0].threshold == 50
    error_message = "the thresholds are not as the variables say"
  }
  assert {
    condition     = azurerm_monitor_metric_alert.dead_letters[0].tags.service == "orders" && azurerm_monitor_metric_alert.backlog[0].tags.service == "orders"
    error_message = "an alert has no tags"
  }
}

run "without_alerts" {
  variables {
    alerts = false
  }
  assert {
    condition     = length(output.alert_ids) == 0 && length(azurerm_monitor_metric_alert.dead_letters) == 0 && length(azurerm_monitor_metric_alert.backlog) == 0
    error_message = "there are alerts"
  }
}
