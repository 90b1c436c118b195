# What the module makes and refuses. The provider is a mock: nothing is called.

mock_provider "azurerm" {
  override_resource {
    target = azurerm_storage_account.this
    values = { id = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/shop/providers/Microsoft.Storage/storageAccounts/shoppayloads" }
  }
}

variables {
  storage_account_name          = "shoppayloads"
  resource_group_name           = "shop"
  location                      = "westeurope"
  retention_seconds             = 345600
  dead_letter_retention_seconds = 1209600
  producer_principals           = { api = { id = "11111111-1111-1111-1111-111111111111", type = "ServicePrincipal" } }
  worker_principals             = { worker = { id = "22222222-2222-2222-2222-222222222222" } }
}

run "defaults" {
  assert {
    condition     = output.url == "azblob://payloads?storage_account=shoppayloads&prefix=payloads/"
    error_message = "url is ${output.url}"
  }
  assert {
    condition     = output.expiration_days == 20 && azurerm_storage_management_policy.this.rule[0].actions[0].base_blob[0].delete_after_days_since_creation_greater_than == 20
    error_message = "expiration_days is ${output.expiration_days}; want 4 + 14 + 1 and one"
  }
  assert {
    condition     = azurerm_storage_management_policy.this.rule[0].filters[0].prefix_match == toset(["payloads/payloads/"])
    error_message = "the rule is for something else"
  }
  assert {
    condition     = !azurerm_storage_account.this.allow_nested_items_to_be_public && azurerm_storage_container.this.container_access_type == "private"
    error_message = "the container may be public"
  }
  assert {
    condition     = { for k, a in azurerm_role_assignment.principals : k => a.role_definition_name } == { "producer/api" = "Storage Blob Data Contributor", "worker/worker" = "Storage Blob Data Reader" }
    error_message = "the roles are others"
  }
}

run "expiration_is_never_shorter" {
  command = plan

  variables {
    expiration_days = 18
  }

  expect_failures = [var.expiration_days]
}

run "expiration_may_be_longer" {
  variables {
    expiration_days = 60
  }

  assert {
    condition     = output.expiration_days == 60
    error_message = "expiration_days is ${output.expiration_days}"
  }
}

run "a_longer_delay_counts" {
  variables {
    max_delay_seconds = 864000
  }

  assert {
    condition     = output.expiration_days == 29
    error_message = "expiration_days is ${output.expiration_days}"
  }
}

run "half_a_day_is_none" {
  command = plan

  variables {
    expiration_days = 30.5
  }

  expect_failures = [var.expiration_days]
}

run "a_prefix_ends" {
  command = plan

  variables {
    prefix = "../payloads"
  }

  expect_failures = [var.prefix]
}
