variable "region" {
  description = "AWS region that all is made in."
  type        = string
  default     = "eu-west-1"
}

variable "name" {
  description = "Name of the queue, and the beginning of all other names."
  type        = string
  default     = "orders"
}
