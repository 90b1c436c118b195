variable "project" {
  description = "Id of the Google Cloud project that all is made in."
  type        = string
}

variable "email" {
  description = "Address of the Google account that alerts go to and that may send dead tasks back."
  type        = string
}

variable "name" {
  description = "Name of the queue, and the beginning of all other names."
  type        = string
  default     = "orders"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{2,20}$", var.name))
    error_message = "The name has not 3 to 21 lower-case letters, digits and hyphens with a letter first, which is what leaves room for -producer in the name of a service account."
  }
}
