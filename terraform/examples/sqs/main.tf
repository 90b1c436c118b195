# A queue for orders, with a dead letter, alarms to a topic, and the two policies
# that a program which sends and a worker need.

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

resource "aws_sns_topic" "alarms" {
  name = "${var.name}-alarms"
}

module "orders" {
  source = "../../modules/sqs-queue"

  name             = var.name
  max_attempts     = 5
  timeout_seconds  = 600
  hold_seconds     = 30
  alarm_topic_arns = [aws_sns_topic.alarms.arn]

  tags = { service = "orders" }
}

# Attach them to the roles that your programs have.

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
