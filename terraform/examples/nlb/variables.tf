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

variable "listener_port" {
  description = "The port on which the load balancer listens. null: 443 with `certificate_arn`, else 80."
  type        = number
  default     = null
}

variable "certificate_arn" {
  description = "Certificate in ACM: the load balancer ends TLS with it. null: TCP, passed on as it comes."
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

variable "health_check" {
  description = "How targets are checked: `TCP` (a connection suffices), or `HTTP` or `HTTPS` with a `path`."
  type = object({
    protocol         = optional(string, "TCP")
    path             = optional(string)
    interval_seconds = optional(number, 10)
  })
  default  = {}
  nullable = false
}

variable "cross_zone" {
  description = "Whether each zone's node reaches the targets of all zones; AWS charges for traffic between zones."
  type        = bool
  default     = true
  nullable    = false
}

variable "deregistration_delay_seconds" {
  description = "How long standing flows may take to end on a target that is leaving."
  type        = number
  default     = 60
  nullable    = false
}

variable "connection_termination" {
  description = "Whether flows that still stand after that are closed; otherwise they last as long as both ends like."
  type        = bool
  default     = false
  nullable    = false
}

variable "preserve_client_ip" {
  description = "Whether targets see the client's address, not the load balancer's. null: AWS's default, which is no."
  type        = bool
  default     = null
}

variable "access_logs" {
  description = "The S3 bucket that takes the access logs, and a prefix in it; its policy must let the load balancer write. AWS logs TLS listeners only. null: no access logs."
  type = object({
    bucket = string
    prefix = optional(string)
  })
  default = null
}

variable "deletion_protection" {
  description = "Whether AWS refuses to delete the load balancer and the state table. Turn it off and apply before a destroy."
  type        = bool
  default     = true
  nullable    = false
}
