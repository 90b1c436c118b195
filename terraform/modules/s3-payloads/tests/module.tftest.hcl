# What the module makes and refuses. The provider is a mock: nothing is called.

mock_provider "aws" {
  override_resource {
    target = aws_s3_bucket.this
    values = {
      arn    = "arn:aws:s3:::shop-payloads"
      id     = "shop-payloads"
      region = "eu-west-1"
    }
  }
}

variables {
  name              = "shop-payloads"
  retention_seconds = 345600
}

run "defaults" {
  assert {
    condition     = output.url == "s3://shop-payloads?region=eu-west-1&prefix=payloads/"
    error_message = "url is ${output.url}"
  }
  assert {
    condition     = output.expiration_days == 20 && one(aws_s3_bucket_lifecycle_configuration.this.rule[0].expiration).days == 20
    error_message = "expiration_days is ${output.expiration_days}; want 4 + 14 + 1 and one"
  }
  assert {
    condition     = one(aws_s3_bucket_lifecycle_configuration.this.rule[0].filter).prefix == "payloads/" && aws_s3_bucket_lifecycle_configuration.this.rule[0].status == "Enabled"
    error_message = "the rule is for something else"
  }
  assert {
    condition     = aws_s3_bucket_public_access_block.this.restrict_public_buckets && aws_s3_bucket_public_access_block.this.block_public_policy
    error_message = "the bucket may be public"
  }
}

run "policies_are_the_least" {
  assert {
    condition     = { for s in jsondecode(output.producer_policy_json).Statement : s.Resource[0] => s.Action } == { "arn:aws:s3:::shop-payloads/payloads/*" = ["s3:AbortMultipartUpload", "s3:PutObject"] }
    error_message = "producer: ${output.producer_policy_json}"
  }
  assert {
    condition = { for s in jsondecode(output.worker_policy_json).Statement : s.Resource[0] => s.Action } == {
      "arn:aws:s3:::shop-payloads/payloads/*" = ["s3:GetObject"]
      "arn:aws:s3:::shop-payloads"            = ["s3:ListBucket"]
    }
    error_message = "worker: ${output.worker_policy_json}"
  }
}

run "a_key_of_kms" {
  variables {
    kms_key_arn = "arn:aws:kms:eu-west-1:123456789012:key/1234"
  }

  assert {
    condition     = length(jsondecode(output.producer_policy_json).Statement) == 2 && length(jsondecode(output.worker_policy_json).Statement) == 3
    error_message = "the policies do not have the key: ${output.worker_policy_json}"
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
