# What the function may do, and nothing else. Attach what handlers need to the role.

resource "aws_iam_role" "this" {
  name        = coalesce(var.role_name, "${var.name}-lambda")
  description = "What the function ${var.name} runs as"

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "lambda.amazonaws.com" }
    }]
  })

  tags = var.tags
}

resource "aws_iam_role_policy" "this" {
  name = "longshore"
  role = aws_iam_role.this.name

  policy = jsonencode({ Version = "2012-10-17", Statement = local.statements })
}

locals {
  statements = concat([
    {
      Sid    = "Work"
      Effect = "Allow"
      Action = [
        "sqs:ChangeMessageVisibility", # backoff
        "sqs:DeleteMessage",
        "sqs:GetQueueAttributes",
        "sqs:GetQueueUrl",
        "sqs:ReceiveMessage",
        "sqs:SendMessage", # snoozes and long delays are copies
      ]
      Resource = [var.queue_arn]
    },
    {
      Sid      = "Bury"
      Effect   = "Allow"
      Action   = ["sqs:GetQueueAttributes", "sqs:GetQueueUrl", "sqs:SendMessage"]
      Resource = [var.dead_letter_arn]
    },
    {
      Sid      = "Log"
      Effect   = "Allow"
      Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
      Resource = ["${aws_cloudwatch_log_group.this.arn}:*"]
    },
    ], !var.may_list_mappings ? [] : [
    {
      Sid      = "Look"
      Effect   = "Allow"
      Action   = ["lambda:ListEventSourceMappings"]
      Resource = ["*"] # the action knows no resources
    },
    ], [for arn in var.kms_key_arn == null ? [] : [var.kms_key_arn] : {
      Sid      = "Key"
      Effect   = "Allow"
      Action   = ["kms:Decrypt", "kms:GenerateDataKey"]
      Resource = [arn]
  }])
}
