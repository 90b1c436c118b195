# What producers and workers need beside the queue, and nothing else.

locals {
  objects = "${aws_s3_bucket.this.arn}/${var.prefix}*"

  producer_statements = concat([
    {
      Sid      = "PutPayloads"
      Effect   = "Allow"
      Action   = ["s3:AbortMultipartUpload", "s3:PutObject"]
      Resource = [local.objects]
    },
    ], var.kms_key_arn == null ? [] : [
    {
      Sid      = "EncryptPayloads"
      Effect   = "Allow"
      Action   = ["kms:Decrypt", "kms:GenerateDataKey"] # Decrypt: for an upload in parts
      Resource = [var.kms_key_arn]
    },
  ])

  worker_statements = concat([
    {
      Sid      = "GetPayloads"
      Effect   = "Allow"
      Action   = ["s3:GetObject"]
      Resource = [local.objects]
    },
    ], var.kms_key_arn == null ? [] : [
    {
      Sid      = "DecryptPayloads"
      Effect   = "Allow"
      Action   = ["kms:Decrypt"]
      Resource = [var.kms_key_arn]
    },
  ])

  # Without it Amazon S3 answers for a missing object as for one that is denied.
  list_statement = {
    Sid       = "ListPayloads"
    Effect    = "Allow"
    Action    = ["s3:ListBucket"]
    Resource  = [aws_s3_bucket.this.arn]
    Condition = { StringLike = { "s3:prefix" = ["${var.prefix}*"] } }
  }
}
