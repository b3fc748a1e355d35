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

variable "image" {
  description = "The image that both colors begin with; `bluegreen deploy` brings later ones. The default answers every path with a page about the request."
  type        = string
  default     = "traefik/whoami:v1.10"
  nullable    = false
}

variable "environment" {
  description = "Variables of the container's environment."
  type        = map(string)
  default     = {}
  nullable    = false
}

variable "desired_count" {
  description = "How many tasks run the live color, blue, at first; green has none until a release."
  type        = number
  default     = 2
  nullable    = false
}

variable "autoscaling_maximum" {
  description = "How many tasks a color may grow to, so that its CPU stays at 60 %. null: nothing scales by itself."
  type        = number
  default     = 6
}

variable "target_port" {
  description = "The port on which the container listens."
  type        = number
  default     = 8080
  nullable    = false
}

variable "health_check_path" {
  description = "The path that tells whether a task is healthy."
  type        = string
  default     = "/healthz"
  nullable    = false
}

variable "health_check_interval_seconds" {
  description = "How often the load balancer checks each task, 5 to 300; two good checks make it healthy."
  type        = number
  default     = 10
  nullable    = false
}

variable "deregistration_delay_seconds" {
  description = "How long requests in flight may take to end on a task that is leaving."
  type        = number
  default     = 60
  nullable    = false
}

variable "cidr_block" {
  description = "The VPC's private IPv4 range; two subnets take the first two sixteenths of it."
  type        = string
  default     = "10.0.0.0/16"
  nullable    = false
}

variable "listener_port" {
  description = "The port on which the load balancer listens. null: 443 with `certificate_arn`, else 80."
  type        = number
  default     = null
}

variable "certificate_arn" {
  description = "Certificate in ACM for HTTPS, with a redirect from port 80. null: HTTP."
  type        = string
  default     = null
}

variable "ingress_cidr_blocks" {
  description = "From where the load balancer may be reached."
  type        = set(string)
  default     = ["0.0.0.0/0"]
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

variable "access_logs" {
  description = "The S3 bucket that takes the access logs, and a prefix in it; its policy must let the load balancer write. null: no access logs."
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
