variable "name" {
  description = "Name of the table."
  type        = string
  nullable    = false

  # "Naming rules", DynamoDB developer guide.
  validation {
    condition     = can(regex("^[a-zA-Z0-9_.-]{3,255}$", var.name))
    error_message = "Write a name of 3 to 255 letters, digits, underscores, dots and hyphens, such as \"bluegreen-web\"."
  }
}

variable "deletion_protection" {
  description = "Whether AWS refuses to delete the table. Turn it off and apply before a destroy."
  type        = bool
  default     = true
  nullable    = false
}

variable "kms_key_arn" {
  description = "The customer managed KMS key that encrypts the table. null: the AWS managed key `alias/aws/dynamodb`."
  type        = string
  default     = null

  validation {
    condition     = var.kms_key_arn == null || can(regex("^arn:[^:]+:kms:[^:]+:[0-9]{12}:key/", var.kms_key_arn))
    error_message = "Write the ARN of a key, \"arn:aws:kms:<region>:<account>:key/<id>\" (no alias: DynamoDB would follow it once and Terraform see a difference for ever), or null."
  }
}

variable "tags" {
  description = "Tags of the table."
  type        = map(string)
  default     = {}
  nullable    = false
}
