# What producers, workers and operators need, and nothing else. The batch verbs of
# Amazon SQS need the action of the single one.

locals {
  producer_statements = concat([
    {
      Sid      = "Send"
      Effect   = "Allow"
      Action   = ["sqs:GetQueueUrl", "sqs:SendMessage"]
      Resource = [aws_sqs_queue.this.arn]
    },
  ], local.key_statements)

  worker_statements = concat([
    {
      Sid    = "Work"
      Effect = "Allow"
      Action = [
        "sqs:ChangeMessageVisibility",
        "sqs:DeleteMessage",
        "sqs:GetQueueAttributes",
        "sqs:GetQueueUrl",
        "sqs:ReceiveMessage",
        "sqs:SendMessage", # delays beyond 15 minutes are copies
      ]
      Resource = [aws_sqs_queue.this.arn]
    },
    {
      Sid      = "Bury"
      Effect   = "Allow"
      Action   = ["sqs:GetQueueAttributes", "sqs:GetQueueUrl", "sqs:SendMessage"]
      Resource = [aws_sqs_queue.dead.arn]
    },
  ], local.key_statements)

  operator_statements = concat([
    {
      Sid      = "SendBack"
      Effect   = "Allow"
      Action   = ["sqs:GetQueueAttributes", "sqs:GetQueueUrl", "sqs:SendMessage"]
      Resource = [aws_sqs_queue.this.arn]
    },
    {
      Sid    = "DeadLetters"
      Effect = "Allow"
      Action = [
        "sqs:CancelMessageMoveTask",
        "sqs:ChangeMessageVisibility",
        "sqs:DeleteMessage",
        "sqs:GetQueueAttributes",
        "sqs:GetQueueUrl",
        "sqs:ListMessageMoveTasks",
        "sqs:ReceiveMessage",
        "sqs:StartMessageMoveTask",
      ]
      Resource = [aws_sqs_queue.dead.arn]
    },
  ], local.key_statements)

  key_statements = [for arn in var.kms_key_arn == null ? [] : [var.kms_key_arn] : {
    Sid      = "Key"
    Effect   = "Allow"
    Action   = ["kms:Decrypt", "kms:GenerateDataKey"]
    Resource = [arn]
  }]
}
