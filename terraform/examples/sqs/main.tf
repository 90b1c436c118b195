# A queue for orders, with a dead letter and alarms to a topic, a bucket for payloads that
# are too large for messages, and the policies of programs that send, workers and
# operators.

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
  max_attempts = 5
}

resource "aws_sns_topic" "alarms" {
  name = "${var.name}-alarms"
}

module "orders" {
  source = "../../modules/sqs-queue"

  name             = var.name
  max_attempts     = local.max_attempts
  timeout_seconds  = 600
  hold_seconds     = 30
  alarm_topic_arns = [aws_sns_topic.alarms.arn]

  tags = { service = "orders" }
}

data "aws_caller_identity" "this" {}

module "payloads" {
  source = "../../modules/s3-payloads"

  name   = "${var.name}-payloads-${data.aws_caller_identity.this.account_id}-${var.region}" # of all accounts, one has it
  prefix = "${var.name}/"

  # An object lives at least as long as a message can refer to it.
  retention_seconds             = module.orders.retention_seconds
  dead_letter_retention_seconds = module.orders.dead_letter_retention_seconds

  tags = { service = "orders" }
}

# Attach them to the roles that your programs have: of each pair the second is for large
# payloads, and an operator looks at those of dead letters with the rights of a worker.

resource "aws_iam_policy" "producer" {
  name   = "${var.name}-producer"
  policy = module.orders.producer_policy_json
}

resource "aws_iam_policy" "worker" {
  name   = "${var.name}-worker"
  policy = module.orders.worker_policy_json
}

resource "aws_iam_policy" "operator" {
  name   = "${var.name}-operator"
  policy = module.orders.operator_policy_json
}

resource "aws_iam_policy" "payloads_producer" {
  name   = "${var.name}-payloads-producer"
  policy = module.payloads.producer_policy_json
}

resource "aws_iam_policy" "payloads_worker" {
  name   = "${var.name}-payloads-worker"
  policy = module.payloads.worker_policy_json
}
