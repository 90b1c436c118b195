# The module on a LocalStack, which has Amazon SQS only.

terraform {
  required_version = ">= 1.9"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.0"
    }
  }
}

variable "endpoint" {
  description = "Address of the LocalStack."
  type        = string
}

variable "name" {
  description = "Name of the queue."
  type        = string
  default     = "orders"
}

provider "aws" {
  region                      = "us-east-1"
  access_key                  = "test"
  secret_key                  = "test"
  skip_credentials_validation = true
  skip_requesting_account_id  = true
  skip_metadata_api_check     = true

  endpoints {
    sqs = var.endpoint
  }
}

module "orders" {
  source = "SOURCE"

  name            = var.name
  max_attempts    = 3
  hold_seconds    = 10
  timeout_seconds = 60
  alarms          = false
}

output "url" {
  description = "URL of the queue as Longshore takes it."
  value       = module.orders.url
}

output "url_declared" {
  description = "The same URL with what was configured."
  value       = module.orders.url_declared
}

output "queue_url" {
  description = "URL of the queue at the LocalStack."
  value       = module.orders.queue_url
}

output "dead_letter_url" {
  description = "URL of the dead letter at the LocalStack."
  value       = module.orders.dead_letter_url
}

output "dead_letter_arn" {
  description = "ARN of the dead letter."
  value       = module.orders.dead_letter_arn
}
