# The store beside the queue: its rule keeps objects for as long as the queue's messages
# live, and programs get what they need. The provider is a mock: nothing is called.

mock_provider "aws" {
  override_resource {
    target = aws_sns_topic.alarms
    values = { arn = "arn:aws:sns:eu-west-1:123456789012:orders-alarms" }
  }
  override_data {
    target = data.aws_caller_identity.this
    values = { account_id = "123456789012" }
  }
  override_resource {
    target = module.orders.aws_sqs_queue.this
    values = {
      arn = "arn:aws:sqs:eu-west-1:123456789012:orders"
      id  = "https://sqs.eu-west-1.amazonaws.com/123456789012/orders"
      url = "https://sqs.eu-west-1.amazonaws.com/123456789012/orders"
    }
  }
  override_resource {
    target = module.orders.aws_sqs_queue.dead
    values = {
      arn = "arn:aws:sqs:eu-west-1:123456789012:orders-dead"
      id  = "https://sqs.eu-west-1.amazonaws.com/123456789012/orders-dead"
      url = "https://sqs.eu-west-1.amazonaws.com/123456789012/orders-dead"
    }
  }
  override_resource {
    target = module.payloads.aws_s3_bucket.this
    values = {
      arn    = "arn:aws:s3:::orders-payloads-123456789012-eu-west-1"
      id     = "orders-payloads-123456789012-eu-west-1"
      region = "eu-west-1"
    }
  }
  override_resource {
    target = aws_iam_policy.producer
    values = { arn = "arn:aws:iam::123456789012:policy/orders-producer" }
  }
  override_resource {
    target = aws_iam_policy.worker
    values = { arn = "arn:aws:iam::123456789012:policy/orders-worker" }
  }
  override_resource {
    target = aws_iam_policy.operator
    values = { arn = "arn:aws:iam::123456789012:policy/orders-operator" }
  }
  override_resource {
    target = aws_iam_policy.payloads_producer
    values = { arn = "arn:aws:iam::123456789012:policy/orders-payloads-producer" }
  }
  override_resource {
    target = aws_iam_policy.payloads_worker
    values = { arn = "arn:aws:iam::123456789012:policy/orders-payloads-worker" }
  }
}

run "it_can_be_planned" {
  command = plan
}

run "it_can_be_applied" {
  assert {
    condition     = output.payloads_url == "s3://orders-payloads-123456789012-eu-west-1?region=eu-west-1&prefix=orders/"
    error_message = "payloads_url is ${output.payloads_url}"
  }
  assert {
    condition = yamldecode(output.config) == {
      queues = {
        orders = {
          url   = "sqs://sqs.eu-west-1.amazonaws.com/123456789012/orders?region=eu-west-1&hold=30s&max_receives=15&dead_letter=orders-dead"
          retry = { max_attempts = 5 }
        }
      }
      payloads = { url = output.payloads_url }
    }
    error_message = "config is ${output.config}"
  }
  assert {
    condition     = module.payloads.expiration_days * 86400 >= module.orders.retention_seconds + module.orders.dead_letter_retention_seconds + 86400
    error_message = "objects live ${module.payloads.expiration_days} days"
  }
  assert {
    condition = output.policy_arns == {
      producer = ["arn:aws:iam::123456789012:policy/orders-producer", "arn:aws:iam::123456789012:policy/orders-payloads-producer"]
      worker   = ["arn:aws:iam::123456789012:policy/orders-worker", "arn:aws:iam::123456789012:policy/orders-payloads-worker"]
      operator = ["arn:aws:iam::123456789012:policy/orders-operator", "arn:aws:iam::123456789012:policy/orders-payloads-worker"]
    }
    error_message = "policy_arns is ${jsonencode(output.policy_arns)}"
  }
}

run "programs_get_what_they_need_of_the_bucket" {
  assert {
    condition     = { for s in jsondecode(aws_iam_policy.payloads_producer.policy).Statement : s.Resource[0] => s.Action } == { "arn:aws:s3:::orders-payloads-123456789012-eu-west-1/orders/*" = ["s3:AbortMultipartUpload", "s3:PutObject"] }
    error_message = "producer: ${aws_iam_policy.payloads_producer.policy}"
  }
  assert {
    condition = { for s in jsondecode(aws_iam_policy.payloads_worker.policy).Statement : s.Resource[0] => s.Action } == {
      "arn:aws:s3:::orders-payloads-123456789012-eu-west-1/orders/*" = ["s3:GetObject"]
      "arn:aws:s3:::orders-payloads-123456789012-eu-west-1"          = ["s3:ListBucket"]
    }
    error_message = "worker: ${aws_iam_policy.payloads_worker.policy}"
  }
}
