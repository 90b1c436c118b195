# A bucket for payloads that are too large for messages. Longshore deletes none of them:
# the lifecycle rule does, when no message can refer to them any more.

locals {
  # The least time for which a message can refer to an object, and a day.
  least_days      = ceil((var.retention_seconds + var.dead_letter_retention_seconds + var.max_delay_seconds) / 86400) + 1
  expiration_days = coalesce(var.expiration_days, local.least_days)
}

resource "aws_s3_bucket" "this" {
  bucket = var.name
  tags   = var.tags
}

resource "aws_s3_bucket_public_access_block" "this" {
  bucket = aws_s3_bucket.this.id

  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_server_side_encryption_configuration" "this" {
  bucket = aws_s3_bucket.this.id

  rule {
    bucket_key_enabled = var.kms_key_arn != null

    apply_server_side_encryption_by_default {
      sse_algorithm     = var.kms_key_arn == null ? "AES256" : "aws:kms"
      kms_master_key_id = var.kms_key_arn
    }
  }
}

resource "aws_s3_bucket_lifecycle_configuration" "this" {
  bucket = aws_s3_bucket.this.id

  rule {
    id     = "payloads"
    status = "Enabled"

    filter {
      prefix = var.prefix
    }
    expiration {
      days = local.expiration_days
    }
    abort_incomplete_multipart_upload {
      days_after_initiation = 1
    }
  }
}
