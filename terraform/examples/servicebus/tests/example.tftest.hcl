# What is granted and told is known only after identities and groups are made. The
# provider is a mock: nothing is called.

mock_provider "azurerm" {
  override_resource {
    target = azurerm_user_assigned_identity.producer
    values = {
      principal_id = "11111111-1111-1111-1111-111111111111"
      client_id    = "11111111-aaaa-1111-1111-111111111111"
    }
  }
  override_resource {
    target = azurerm_user_assigned_identity.worker
    values = {
      principal_id = "22222222-2222-2222-2222-222222222222"
      client_id    = "22222222-aaaa-2222-2222-222222222222"
    }
  }
  override_resource {
    target = azurerm_monitor_action_group.mail
    values = { id = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/orders-queue/providers/Microsoft.Insights/actionGroups/orders-mail" }
  }
  override_resource {
    target = module.orders.azurerm_servicebus_namespace.this
    values = { id = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/orders-queue/providers/Microsoft.ServiceBus/namespaces/my-namespace" }
  }
  override_resource {
    target = module.orders.azurerm_servicebus_queue.this
    values = { id = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/orders-queue/providers/Microsoft.ServiceBus/namespaces/my-namespace/queues/orders" }
  }
}

variables {
  subscription_id = "00000000-0000-0000-0000-000000000000"
  namespace       = "my-namespace"
  operator        = "33333333-3333-3333-3333-333333333333"
  email           = "you@example.com"
}

run "it_can_be_planned" {
  command = plan
}

run "it_can_be_applied" {
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
    condition     = output.client_ids == { producer = "11111111-aaaa-1111-1111-111111111111", worker = "22222222-aaaa-2222-2222-222222222222" }
    error_message = "client_ids are ${jsonencode(output.client_ids)}"
  }
  assert {
    condition     = length(azurerm_monitor_action_group.mail.short_name) <= 12
    error_message = "the action group's short name is ${azurerm_monitor_action_group.mail.short_name}"
  }
}

run "a_long_name" {
  variables {
    name = "orders-of-the-shop-xx"
  }

  assert {
    condition     = azurerm_monitor_action_group.mail.short_name == "orders-of-th"
    error_message = "the action group's short name is ${azurerm_monitor_action_group.mail.short_name}"
  }
}

run "a_name_that_is_too_long" {
  command = plan

  variables {
    name = "orders-of-the-whole-shop"
  }

  expect_failures = [var.name]
}
