variable "region" {
  description = "AWS region that all is made in."
  type        = string
  default     = "eu-west-1"
}

variable "name" {
  description = "Name of the queue and of the function, and the beginning of all other names. The program of examples/orders takes the queue orders, as its sqs.yaml says."
  type        = string
  default     = "orders"
}

variable "package_path" {
  description = "Path of the zip file with the program, as make bootstrap writes it."
  type        = string
  default     = "../../../bin/lambda/bootstrap.zip"

  validation {
    condition     = fileexists(var.package_path)
    error_message = "There is no file at package_path. Build the program first: make bootstrap, in the root of the repository."
  }
}

variable "architecture" {
  description = "Processor that the program was built for, arm64 or x86_64."
  type        = string
  default     = "arm64"
}

variable "environment" {
  description = "Environment of the program beside QUEUE_URL and RECEIPTS_DIR, such as PAYMENTS_URL."
  type        = map(string)
  default     = {}
}
