# The namespace: made here, or one that is there.

resource "azurerm_servicebus_namespace" "this" {
  count = var.create_namespace ? 1 : 0

  name                         = var.namespace_name
  resource_group_name          = var.resource_group_name
  location                     = var.location
  sku                          = var.sku
  capacity                     = var.sku == "Premium" ? var.capacity : 0
  premium_messaging_partitions = var.sku == "Premium" ? 1 : 0
  local_auth_enabled           = var.local_auth_enabled
  tags                         = var.tags
}

data "azurerm_servicebus_namespace" "existing" {
  count = var.create_namespace ? 0 : 1

  name                = local.existing.name
  resource_group_name = local.existing.group

  lifecycle {
    postcondition {
      condition     = self.sku != "Basic"
      error_message = "The namespace ${self.name} is of the tier Basic, which schedules no messages and knows neither sessions nor duplicate detection. Longshore needs Standard or Premium: az servicebus namespace update --sku Standard."
    }
  }
}

locals {
  existing = var.create_namespace ? null : regex("/resourceGroups/(?P<group>[^/]+)/.*/namespaces/(?P<name>[^/]+)$", var.namespace_id)

  # The id of one that is there is taken as it was given, not as it is read: what is
  # read may be known only after the plan, and a queue of another namespace is made anew.
  namespace_id   = var.create_namespace ? azurerm_servicebus_namespace.this[0].id : var.namespace_id
  namespace_name = var.create_namespace ? var.namespace_name : local.existing.name
  namespace_host = "${local.namespace_name}.${var.domain}"

  sku        = var.create_namespace ? var.sku : data.azurerm_servicebus_namespace.existing[0].sku
  partitions = var.create_namespace ? 1 : data.azurerm_servicebus_namespace.existing[0].premium_messaging_partitions
}
