# A queue for orders, the function that does them, and alarms to a topic.

terraform {
  required_version = ">= 1.9"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.0"
    }
  }
}

provider "aws" {
  region = var.region
}

locals {
  function_timeout = 60 # seconds
}

resource "aws_sns_topic" "alarms" {
  name = "${var.name}-alarms"
}

module "orders" {
  source = "../../modules/sqs-queue"

  name                   = var.name
  max_attempts           = 8                          # as examples/orders/sqs.yaml says
  max_deliveries         = 20                         # so too
  timeout_seconds        = local.function_timeout - 5 # what the handlers get of it
  hold_seconds           = 6 * local.function_timeout
  lambda_timeout_seconds = local.function_timeout
  alarm_topic_arns       = [aws_sns_topic.alarms.arn]

  tags = { service = "orders" }
}

module "worker" {
  source = "../../modules/lambda-worker"

  name                = var.name
  package_path        = var.package_path
  architecture        = var.architecture
  timeout_seconds     = local.function_timeout
  maximum_concurrency = 20

  # Only /tmp can be written. Secrets do not belong here.
  environment = merge({ QUEUE_URL = module.orders.url_declared, RECEIPTS_DIR = "/tmp/receipts" }, var.environment)

  queue_arn                  = module.orders.queue_arn
  dead_letter_arn            = module.orders.dead_letter_arn
  visibility_timeout_seconds = module.orders.hold_seconds
  max_receive_count          = module.orders.max_receive_count

  alarm_actions            = [aws_sns_topic.alarms.arn]
  alarm_oldest_age_seconds = null # the queue has that alarm

  tags = { service = "orders" }
}
