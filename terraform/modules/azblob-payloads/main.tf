# A container for payloads that are too large for messages, in a storage account of its
# own. Longshore deletes none of them: the management policy does, when no message can
# refer to them any more.

locals {
  # The least time for which a message can refer to an object, and a day.
  least_days      = ceil((var.retention_seconds + var.dead_letter_retention_seconds + var.max_delay_seconds) / 86400) + 1
  expiration_days = coalesce(var.expiration_days, local.least_days)
}

resource "azurerm_storage_account" "this" {
  name                = var.storage_account_name
  resource_group_name = var.resource_group_name
  location            = var.location
  tags                = var.tags

  account_tier                    = "Standard"
  account_replication_type        = var.replication
  min_tls_version                 = "TLS1_2"
  allow_nested_items_to_be_public = false
  shared_access_key_enabled       = false
}

resource "azurerm_storage_container" "this" {
  name                  = var.container
  storage_account_id    = azurerm_storage_account.this.id
  container_access_type = "private"
}

resource "azurerm_storage_management_policy" "this" {
  storage_account_id = azurerm_storage_account.this.id

  rule {
    name    = "payloads"
    enabled = true

    filters {
      prefix_match = ["${var.container}/${var.prefix}"]
      blob_types   = ["blockBlob"]
    }
    actions {
      base_blob {
        delete_after_days_since_creation_greater_than = local.expiration_days
      }
    }
  }
}

locals {
  container_scope = "${azurerm_storage_account.this.id}/blobServices/default/containers/${azurerm_storage_container.this.name}"
  grants = merge(
    { for name, p in var.producer_principals : "producer/${name}" => { role = "Storage Blob Data Contributor", principal = p } },
    { for name, p in var.worker_principals : "worker/${name}" => { role = "Storage Blob Data Reader", principal = p } },
  )
}

resource "azurerm_role_assignment" "principals" {
  for_each = local.grants

  scope                = local.container_scope
  role_definition_name = each.value.role
  principal_id         = each.value.principal.id
  principal_type       = each.value.principal.type
}
