# What producers, workers and operators need, on this queue alone. A role on a queue is
# one on its dead letter too.

locals {
  sender   = "Azure Service Bus Data Sender"
  receiver = "Azure Service Bus Data Receiver"
  owner    = "Azure Service Bus Data Owner" # the only one with the right Manage

  roles = {
    producer = [local.sender]
    worker   = contains(var.data_owners, "worker") ? [local.owner] : [local.receiver, local.sender] # retries and long delays are copies
    operator = contains(var.data_owners, "operator") ? [local.owner] : [local.receiver, local.sender]
  }

  principals = {
    producer = var.producer_principals
    worker   = var.worker_principals
    operator = var.operator_principals
  }

  grants = merge(flatten([
    for who, principals in local.principals : [
      for name, principal in principals : [
        for role in local.roles[who] : { "${who}/${name}/${role}" = { role = role, principal = principal } }
      ]
    ]
  ])...)
}

resource "azurerm_role_assignment" "principals" {
  for_each = local.grants

  scope                = azurerm_servicebus_queue.this.id
  role_definition_name = each.value.role
  principal_id         = each.value.principal.id
  principal_type       = each.value.principal.type
}
