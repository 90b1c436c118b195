# What the module makes and refuses. The provider is a mock: nothing is called.

mock_provider "google" {
}

variables {
  name                          = "shop-payloads"
  location                      = "EUROPE-WEST1"
  retention_seconds             = 345600
  dead_letter_retention_seconds = 1209600
  producer_members              = ["serviceAccount:api@p.iam.gserviceaccount.com"]
  worker_members                = ["serviceAccount:worker@p.iam.gserviceaccount.com"]
}

run "defaults" {
  assert {
    condition     = output.url == "gs://shop-payloads?prefix=payloads/"
    error_message = "url is ${output.url}"
  }
  assert {
    condition     = output.expiration_days == 20 && google_storage_bucket.this.lifecycle_rule[0].condition[0].age == 20
    error_message = "expiration_days is ${output.expiration_days}; want 4 + 14 + 1 and one"
  }
  assert {
    condition     = google_storage_bucket.this.uniform_bucket_level_access && google_storage_bucket.this.public_access_prevention == "enforced"
    error_message = "the bucket may be public"
  }
  assert {
    condition     = [for m in google_storage_bucket_iam_member.producer : m.role] == ["roles/storage.objectCreator"] && [for m in google_storage_bucket_iam_member.worker : m.role] == ["roles/storage.objectViewer"]
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
