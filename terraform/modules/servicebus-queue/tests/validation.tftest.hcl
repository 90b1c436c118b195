# Each validation of a variable refuses what it is there for. The provider is a mock:
# nothing is called.

mock_provider "azurerm" {}

variables {
  resource_group_name = "shop"
  location            = "westeurope"
  namespace_name      = "my-namespace"
  name                = "orders"
}

run "group_by_id" {
  command = plan

  variables {
    resource_group_name = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/shop"
  }

  expect_failures = [var.resource_group_name]
}

run "group_that_ends_in_a_period" {
  command = plan

  variables {
    resource_group_name = "shop."
  }

  expect_failures = [var.resource_group_name]
}

run "no_name" {
  command = plan

  variables {
    name = ""
  }

  expect_failures = [var.name]
}

run "name_with_a_space" {
  command = plan

  variables {
    name = "my orders"
  }

  expect_failures = [var.name]
}

run "name_with_a_hyphen_first" {
  command = plan

  variables {
    name = "-orders"
  }

  expect_failures = [var.name]
}

run "name_with_a_slash_last" {
  command = plan

  variables {
    name = "orders/"
  }

  expect_failures = [var.name]
}

run "name_of_a_dead_letter" {
  command = plan

  variables {
    name = "orders/$DeadLetterQueue"
  }

  expect_failures = [var.name]
}

run "name_with_a_tilde" {
  command = plan

  variables {
    name = "or~ders"
  }

  expect_failures = [var.name]
}

run "name_with_two_slashes" {
  command = plan

  variables {
    name = "shop//orders"
  }

  expect_failures = [var.name]
}

run "name_of_a_subscription" {
  command = plan

  variables {
    name = "topic/Subscriptions/orders"
  }

  expect_failures = [var.name]
}

run "name_too_long" {
  command = plan

  variables {
    name   = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
    alerts = false
  }

  expect_failures = [var.name]
}

run "name_too_long_for_alerts" {
  command = plan

  variables {
    name = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
  }

  expect_failures = [var.name]
}

run "namespace_that_is_there_and_made" {
  command = plan

  variables {
    namespace_id = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/shared/providers/Microsoft.ServiceBus/namespaces/their-namespace"
  }

  expect_failures = [var.namespace_id]
}

run "namespace_that_is_there_without_an_id" {
  command = plan

  variables {
    create_namespace = false
    namespace_name   = null
  }

  expect_failures = [var.namespace_id]
}

run "namespace_by_name_instead_of_id" {
  command = plan

  variables {
    create_namespace = false
    namespace_name   = null
    namespace_id     = "their-namespace"
  }

  expect_failures = [var.namespace_id]
}

run "namespace_id_of_a_queue" {
  command = plan

  variables {
    create_namespace = false
    namespace_name   = null
    namespace_id     = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/shared/providers/Microsoft.ServiceBus/namespaces/their-namespace/queues/orders"
  }

  expect_failures = [var.namespace_id]
}

run "namespace_id_of_an_event_hub" {
  command = plan

  variables {
    create_namespace = false
    namespace_name   = null
    namespace_id     = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/shared/providers/Microsoft.EventHub/namespaces/their-namespace"
  }

  expect_failures = [var.namespace_id]
}

run "namespace_without_a_name" {
  command = plan

  variables {
    namespace_name = null
  }

  expect_failures = [var.namespace_name]
}

run "namespace_that_is_there_with_a_name" {
  command = plan

  variables {
    create_namespace = false
    namespace_id     = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/shared/providers/Microsoft.ServiceBus/namespaces/their-namespace"
  }

  expect_failures = [var.namespace_name]
}

run "namespace_with_a_scheme" {
  command = plan

  variables {
    namespace_name = "sb://my-namespace"
  }

  expect_failures = [var.namespace_name]
}

run "namespace_with_a_port" {
  command = plan

  variables {
    namespace_name = "my-namespace:5671"
  }

  expect_failures = [var.namespace_name]
}

run "namespace_by_host_name" {
  command = plan

  variables {
    namespace_name = "my-namespace.servicebus.windows.net"
  }

  expect_failures = [var.namespace_name]
}

run "namespace_too_short" {
  command = plan

  variables {
    namespace_name = "short"
  }

  expect_failures = [var.namespace_name]
}

run "namespace_too_long" {
  command = plan

  variables {
    namespace_name = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
  }

  expect_failures = [var.namespace_name]
}

run "namespace_with_a_digit_first" {
  command = plan

  variables {
    namespace_name = "1-namespace"
  }

  expect_failures = [var.namespace_name]
}

run "namespace_with_a_hyphen_last" {
  command = plan

  variables {
    namespace_name = "my-namespace-"
  }

  expect_failures = [var.namespace_name]
}

run "namespace_that_ends_in_sb" {
  command = plan

  variables {
    namespace_name = "my-namespace-sb"
  }

  expect_failures = [var.namespace_name]
}

run "namespace_that_ends_in_mgmt" {
  command = plan

  variables {
    namespace_name = "my-namespace-MGMT"
  }

  expect_failures = [var.namespace_name]
}

run "no_location" {
  command = plan

  variables {
    location = null
  }

  expect_failures = [var.location]
}

run "empty_location" {
  command = plan

  variables {
    location = ""
  }

  expect_failures = [var.location]
}

run "basic" {
  command = plan

  variables {
    sku = "Basic"
  }

  expect_failures = [var.sku]
}

run "tier_in_lower_case" {
  command = plan

  variables {
    sku = "standard"
  }

  expect_failures = [var.sku]
}

run "capacity_of_three" {
  command = plan

  variables {
    sku      = "Premium"
    capacity = 3
  }

  expect_failures = [var.capacity]
}

run "capacity_of_none" {
  command = plan

  variables {
    sku      = "Premium"
    capacity = 0
  }

  expect_failures = [var.capacity]
}

run "domain_with_a_scheme" {
  command = plan

  variables {
    domain = "https://servicebus.windows.net"
  }

  expect_failures = [var.domain]
}

run "domain_with_the_namespace" {
  command = plan

  variables {
    domain = "my-namespace.servicebus.windows.net"
  }

  expect_failures = [var.domain]
}

run "domain_with_a_port" {
  command = plan

  variables {
    domain = "servicebus.windows.net:5671"
  }

  expect_failures = [var.domain]
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
    max_attempts = 998
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
    max_deliveries = 1998
  }

  expect_failures = [var.max_deliveries]
}

run "half_a_delivery" {
  command = plan

  variables {
    max_deliveries = 12.5
  }

  expect_failures = [var.max_deliveries]
}

run "delivery_count_below_deliveries" {
  command = plan

  variables {
    max_delivery_count = 14
  }

  expect_failures = [var.max_delivery_count]
}

run "delivery_count_below_deliveries_that_are_given" {
  command = plan

  variables {
    max_deliveries     = 20
    max_delivery_count = 22
  }

  expect_failures = [var.max_delivery_count]
}

run "delivery_count_too_large" {
  command = plan

  variables {
    max_delivery_count = 2001
  }

  expect_failures = [var.max_delivery_count]
}

run "half_a_delivery_count" {
  command = plan

  variables {
    max_delivery_count = 15.5
  }

  expect_failures = [var.max_delivery_count]
}

run "hold_too_short" {
  command = plan

  variables {
    hold_seconds = 4
  }

  expect_failures = [var.hold_seconds]
}

run "hold_over_five_minutes" {
  command = plan

  variables {
    hold_seconds = 301
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
    timeout_seconds   = 3600
    retention_seconds = 3600
  }

  expect_failures = [var.timeout_seconds]
}

run "retention_too_short" {
  command = plan

  variables {
    retention_seconds = 59
    timeout_seconds   = 10
  }

  expect_failures = [var.retention_seconds]
}

run "retention_too_long" {
  command = plan

  variables {
    retention_seconds = 315360001
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

run "window_too_short" {
  command = plan

  variables {
    dedup                = true
    dedup_window_seconds = 19
  }

  expect_failures = [var.dedup_window_seconds]
}

run "window_too_long" {
  command = plan

  variables {
    dedup                = true
    dedup_window_seconds = 604801
  }

  expect_failures = [var.dedup_window_seconds]
}

run "window_of_half_a_second" {
  command = plan

  variables {
    dedup                = true
    dedup_window_seconds = 60.5
  }

  expect_failures = [var.dedup_window_seconds]
}

run "size_of_no_kind" {
  command = plan

  variables {
    max_size_megabytes = 1000
  }

  expect_failures = [var.max_size_megabytes]
}

run "size_of_premium_on_standard" {
  command = plan

  variables {
    max_size_megabytes = 10240
  }

  expect_failures = [azurerm_servicebus_queue.this]
}

run "partitioned_on_premium_that_is_not" {
  command = plan

  variables {
    sku          = "Premium"
    partitioning = true
  }

  expect_failures = [azurerm_servicebus_queue.this]
}

run "producer_by_name" {
  command = plan

  variables {
    producer_principals = { it = { id = "payer" } }
  }

  expect_failures = [var.producer_principals]
}

run "producer_of_no_type" {
  command = plan

  variables {
    producer_principals = { it = { id = "11111111-1111-1111-1111-111111111111", type = "Application" } }
  }

  expect_failures = [var.producer_principals]
}

run "producer_twice" {
  command = plan

  variables {
    producer_principals = { it = { id = "aaaaaaaa-1111-1111-1111-111111111111" }, again = { id = "AAAAAAAA-1111-1111-1111-111111111111" } }
  }

  expect_failures = [var.producer_principals]
}

run "worker_by_name" {
  command = plan

  variables {
    worker_principals = { it = { id = "payer" } }
  }

  expect_failures = [var.worker_principals]
}

run "worker_of_no_type" {
  command = plan

  variables {
    worker_principals = { it = { id = "11111111-1111-1111-1111-111111111111", type = "Application" } }
  }

  expect_failures = [var.worker_principals]
}

run "worker_twice" {
  command = plan

  variables {
    worker_principals = { it = { id = "aaaaaaaa-1111-1111-1111-111111111111" }, again = { id = "AAAAAAAA-1111-1111-1111-111111111111" } }
  }

  expect_failures = [var.worker_principals]
}

run "operator_by_name" {
  command = plan

  variables {
    operator_principals = { it = { id = "payer" } }
  }

  expect_failures = [var.operator_principals]
}

run "operator_of_no_type" {
  command = plan

  variables {
    operator_principals = { it = { id = "11111111-1111-1111-1111-111111111111", type = "Application" } }
  }

  expect_failures = [var.operator_principals]
}

run "operator_twice" {
  command = plan

  variables {
    operator_principals = { it = { id = "aaaaaaaa-1111-1111-1111-111111111111" }, again = { id = "AAAAAAAA-1111-1111-1111-111111111111" } }
  }

  expect_failures = [var.operator_principals]
}

run "worker_who_is_a_producer" {
  command = plan

  variables {
    producer_principals = { shop = { id = "11111111-1111-1111-1111-111111111111" } }
    worker_principals   = { payer = { id = "11111111-1111-1111-1111-111111111111" } }
  }

  expect_failures = [var.worker_principals]
}

run "operator_who_is_a_producer" {
  command = plan

  variables {
    producer_principals = { shop = { id = "11111111-1111-1111-1111-111111111111" } }
    operator_principals = { oncall = { id = "11111111-1111-1111-1111-111111111111" } }
  }

  expect_failures = [var.operator_principals]
}

run "operator_who_is_a_worker" {
  command = plan

  variables {
    worker_principals   = { payer = { id = "11111111-1111-1111-1111-111111111111" } }
    operator_principals = { oncall = { id = "11111111-1111-1111-1111-111111111111" } }
  }

  expect_failures = [var.operator_principals]
}

run "producer_who_is_a_data_owner" {
  command = plan

  variables {
    data_owners = ["producer"]
  }

  expect_failures = [var.data_owners]
}

run "action_group_by_name" {
  command = plan

  variables {
    action_group_ids = ["mail"]
  }

  expect_failures = [var.action_group_ids]
}

run "action_group_of_another_kind" {
  command = plan

  variables {
    action_group_ids = ["/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/shop/providers/Microsoft.Insights/metricAlerts/mail"]
  }

  expect_failures = [var.action_group_ids]
}

run "alert_without_dead_letters" {
  command = plan

  variables {
    alert_dead_letters = 0
  }

  expect_failures = [var.alert_dead_letters]
}

run "alert_on_half_a_dead_letter" {
  command = plan

  variables {
    alert_dead_letters = 1.5
  }

  expect_failures = [var.alert_dead_letters]
}

run "alert_without_a_backlog" {
  command = plan

  variables {
    alert_backlog = 0
  }

  expect_failures = [var.alert_backlog]
}

run "alert_on_half_a_task" {
  command = plan

  variables {
    alert_backlog = 10.5
  }

  expect_failures = [var.alert_backlog]
}

run "tag_with_a_slash" {
  command = plan

  variables {
    tags = { "a/b" = "orders" }
  }

  expect_failures = [var.tags]
}

run "tag_with_a_backslash" {
  command = plan

  variables {
    tags = { "a\\b" = "orders" }
  }

  expect_failures = [var.tags]
}

run "tag_with_too_long_a_value" {
  command = plan

  variables {
    tags = { service = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" }
  }

  expect_failures = [var.tags]
}

run "too_many_tags" {
  command = plan

  variables {
    tags = { for n in range(51) : "tag${n}" => "orders" }
  }

  expect_failures = [var.tags]
}

run "basic_that_is_there" {
  command = plan

  variables {
    create_namespace = false
    namespace_id     = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/shared/providers/Microsoft.ServiceBus/namespaces/their-namespace"
    namespace_name   = null
  }

  override_data {
    target = data.azurerm_servicebus_namespace.existing
    values = { sku = "Basic", premium_messaging_partitions = 0 }
  }

  expect_failures = [data.azurerm_servicebus_namespace.existing]
}

run "not_partitioned_in_a_premium_namespace_that_is" {
  command = plan

  variables {
    create_namespace = false
    namespace_id     = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/shared/providers/Microsoft.ServiceBus/namespaces/their-namespace"
    namespace_name   = null
  }

  override_data {
    target = data.azurerm_servicebus_namespace.existing
    values = { sku = "Premium", premium_messaging_partitions = 2 }
  }

  expect_failures = [azurerm_servicebus_queue.this]
}

run "size_of_premium_on_standard_that_is_there" {
  command = plan

  variables {
    create_namespace   = false
    namespace_id       = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/shared/providers/Microsoft.ServiceBus/namespaces/their-namespace"
    namespace_name     = null
    max_size_megabytes = 10240
  }

  override_data {
    target = data.azurerm_servicebus_namespace.existing
    values = { sku = "Standard", premium_messaging_partitions = 0 }
  }

  expect_failures = [azurerm_servicebus_queue.this]
}

run "partitioned_on_standard" {
  command = plan

  variables {
    partitioning = true
  }
}

run "at_the_limits" {
  command = plan

  variables {
    resource_group_name  = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
    namespace_name       = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
    name                 = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
    max_attempts         = 997
    max_delivery_count   = 2000
    hold_seconds         = 300
    retention_seconds    = 315360000
    timeout_seconds      = 315359999
    dedup_window_seconds = 604800
    max_size_megabytes   = 5120
    capacity             = 16
    tags                 = { for n in range(50) : "tag${n}" => "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" }
  }
}

run "at_the_other_limits" {
  command = plan

  variables {
    resource_group_name  = "a"
    namespace_name       = "abcdef"
    name                 = "a"
    max_attempts         = 1
    max_deliveries       = 1
    max_delivery_count   = 4
    hold_seconds         = 5
    retention_seconds    = 60
    timeout_seconds      = 59
    dedup_window_seconds = 20
    max_size_megabytes   = 1024
    alert_backlog        = 1
  }
}

run "as_many_deliveries_as_there_are" {
  command = plan

  variables {
    max_attempts       = 997
    max_deliveries     = 1997
    max_delivery_count = 2000
  }
}

run "a_long_name_without_alerts" {
  command = plan

  variables {
    name   = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
    alerts = false
  }
}

run "principals_of_every_type" {
  command = plan

  variables {
    producer_principals = { shop = { id = "11111111-1111-1111-1111-111111111111" }, dev = { id = "44444444-4444-4444-4444-444444444444", type = "User" } }
    worker_principals   = { payer = { id = "aaaaaaaa-BBBB-cccc-DDDD-eeeeeeeeeeee", type = "ServicePrincipal" } }
    operator_principals = { oncall = { id = "33333333-3333-3333-3333-333333333333", type = "Group" } }
    data_owners         = ["operator", "worker"]
  }
}
