variable "subscription_id" {
  description = "Id of the Azure subscription that all is made in."
  type        = string
}

variable "namespace" {
  description = "Name of the namespace, which nobody else in the world may have."
  type        = string
}

variable "operator" {
  description = "Object id of the user who looks at the queue and may send dead tasks back, such as yourself."
  type        = string
}

variable "email" {
  description = "Address that alerts go to."
  type        = string
}

variable "location" {
  description = "Azure region that all is made in."
  type        = string
  default     = "westeurope"
}

variable "name" {
  description = "Name of the queue, and the beginning of all other names."
  type        = string
  default     = "orders"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{2,20}$", var.name))
    error_message = "The name has not 3 to 21 lower-case letters, digits and hyphens with a letter first, which do for the names of all that is made."
  }
}
