output "url" {
  description = "URL of the store, as Longshore takes it: payloads.url of a configuration file."
  value       = "azblob://${azurerm_storage_container.this.name}?storage_account=${azurerm_storage_account.this.name}&prefix=${var.prefix}"
}

output "expiration_days" {
  description = "After how many days an object is deleted."
  value       = local.expiration_days
}
