# A queue for orders in a namespace of its own, with alerts by mail, and the managed
# identities of a program that sends and of a worker.

terraform {
  required_version = ">= 1.9"

  required_providers {
    azurerm = {
      source  = "hashicorp/azurerm"
      version = ">= 4.0"
    }
  }
}

provider "azurerm" {
  features {}
  subscription_id = var.subscription_id
}

resource "azurerm_resource_group" "this" {
  name     = "${var.name}-queue"
  location = var.location
}

resource "azurerm_monitor_action_group" "mail" {
  name                = "${var.name}-mail"
  short_name          = substr(var.name, 0, 12)
  resource_group_name = azurerm_resource_group.this.name

  email_receiver {
    name          = "mail"
    email_address = var.email
  }
}

# What your programs run as.

resource "azurerm_user_assigned_identity" "producer" {
  name                = "${var.name}-producer"
  resource_group_name = azurerm_resource_group.this.name
  location            = azurerm_resource_group.this.location
}

resource "azurerm_user_assigned_identity" "worker" {
  name                = "${var.name}-worker"
  resource_group_name = azurerm_resource_group.this.name
  location            = azurerm_resource_group.this.location
}

module "orders" {
  source = "../../modules/servicebus-queue"

  resource_group_name = azurerm_resource_group.this.name
  location            = azurerm_resource_group.this.location
  namespace_name      = var.namespace
  name                = var.name
  max_attempts        = 5
  timeout_seconds     = 600
  hold_seconds        = 60

  producer_principals = { producer = { id = azurerm_user_assigned_identity.producer.principal_id } }
  worker_principals   = { worker = { id = azurerm_user_assigned_identity.worker.principal_id } }
  operator_principals = { you = { id = var.operator, type = "User" } }
  data_owners         = ["operator"]

  action_group_ids = [azurerm_monitor_action_group.mail.id]

  tags = { service = "orders" }
}
