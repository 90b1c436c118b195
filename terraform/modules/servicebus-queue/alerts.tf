locals {
  alert_prefix = "${local.namespace_name}-${replace(var.name, "/", "-")}"
}

resource "azurerm_monitor_metric_alert" "dead_letters" {
  count = var.alerts ? 1 : 0

  name                = "${local.alert_prefix}-dead-letters"
  resource_group_name = var.resource_group_name
  scopes              = [local.namespace_id]
  description         = "Tasks of ${var.name} are dead. longshore dlq list says why, longshore dlq redrive sends them back."
  severity            = 2
  frequency           = "PT1M"
  window_size         = "PT5M"
  tags                = var.tags

  criteria {
    metric_namespace = "Microsoft.ServiceBus/namespaces"
    metric_name      = "DeadletteredMessages"
    aggregation      = "Maximum"
    operator         = "GreaterThanOrEqual"
    threshold        = var.alert_dead_letters

    dimension {
      name     = "EntityName"
      operator = "Include"
      values   = [azurerm_servicebus_queue.this.name]
    }
  }

  dynamic "action" {
    for_each = var.action_group_ids
    content {
      action_group_id = action.value
    }
  }
}

# Service Bus has no metric of the oldest message's age. A backlog that never falls
# below a number is the nearest.
resource "azurerm_monitor_metric_alert" "backlog" {
  count = var.alerts ? 1 : 0

  name                = "${local.alert_prefix}-backlog"
  resource_group_name = var.resource_group_name
  scopes              = [local.namespace_id]
  description         = "${var.name} has had ${var.alert_backlog} tasks or more for 15 minutes: workers are down or too few, or tasks are retried again and again."
  severity            = 2
  frequency           = "PT5M"
  window_size         = "PT15M"
  tags                = var.tags

  criteria {
    metric_namespace = "Microsoft.ServiceBus/namespaces"
    metric_name      = "ActiveMessages"
    aggregation      = "Minimum"
    operator         = "GreaterThanOrEqual"
    threshold        = var.alert_backlog

    dimension {
      name     = "EntityName"
      operator = "Include"
      values   = [azurerm_servicebus_queue.this.name]
    }
  }

  dynamic "action" {
    for_each = var.action_group_ids
    content {
      action_group_id = action.value
    }
  }
}
