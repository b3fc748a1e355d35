variable "region" {
  description = "The AWS region."
  type        = string
  default     = "eu-central-1"
  nullable    = false
}

variable "name" {
  description = "Name of the service."
  type        = string
  default     = "web"
  nullable    = false
}

variable "certificate_arn" {
  description = "Certificate in ACM for HTTPS on port 443, with a redirect from port 80. null: HTTP on port 80 alone."
  type        = string
  default     = null
}

variable "ingress_cidr_blocks" {
  description = "From where the load balancer may be reached."
  type        = set(string)
  default     = ["0.0.0.0/0"]
  nullable    = false
}

variable "targets" {
  description = "Private addresses that Terraform registers, per color. Leave empty where ECS or a deployment registers them."
  type = object({
    blue  = optional(list(string), [])
    green = optional(list(string), [])
  })
  default  = {}
  nullable = false
}

variable "target_port" {
  description = "The port on which targets listen."
  type        = number
  default     = 8080
  nullable    = false
}

variable "health_check_path" {
  description = "The path that tells whether a target is healthy."
  type        = string
  default     = "/healthz"
  nullable    = false
}

variable "stickiness" {
  description = "Target-group stickiness of the route. null: none."
  type        = object({ duration_seconds = number })
  default     = null
}

variable "test_header_values" {
  description = "Per color, what the header `x-bluegreen-color` says to reach that color whatever the weights: who knows it sees the idle side. null: no test routes."
  type        = object({ blue = string, green = string })
  default     = null
  sensitive   = true
}

variable "reserved_priorities" {
  description = "Priorities kept free before the route's own 100 and those of its test routes, 98 and 99, for the rules that `bluegreen ab` makes and removes. null: none, and such tests are refused."
  type        = object({ first = number, last = number })
  default     = { first = 90, last = 94 }
}

variable "access_logs" {
  description = "The S3 bucket that takes the access logs, and a prefix in it; its policy must let the load balancer write. null: no access logs."
  type = object({
    bucket = string
    prefix = optional(string)
  })
  default = null
}

variable "guardrails" {
  description = "Whether CloudWatch alarms guard each color during a rollout; AWS bills them."
  type        = bool
  default     = false
  nullable    = false
}

variable "deletion_protection" {
  description = "Whether AWS refuses to delete the load balancer and the state table. Turn it off and apply before a destroy."
  type        = bool
  default     = true
  nullable    = false
}
