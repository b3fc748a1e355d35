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

variable "cidr_block" {
  description = "The VPC's private IPv4 range."
  type        = string
  default     = "10.0.0.0/16"
  nullable    = false
}

variable "image_id" {
  description = "The AMI that both colors begin with: it serves on `target_port` as soon as it has started. null: the newest Amazon Linux 2023 with a small sample server."
  type        = string
  default     = null
}

variable "instance_type" {
  description = "The type of the instances, x86_64 for the sample. A change reaches a color with its next release."
  type        = string
  default     = "t3.micro"
  nullable    = false
}

variable "root_volume_gib" {
  description = "Size of the encrypted root volume `/dev/xvda`: at least that of the AMI's snapshot. null: no volume of the example's own, but those that the AMI describes."
  type        = number
  default     = 8
}

variable "desired_count" {
  description = "How many instances blue begins with; green begins with none. Afterwards the toolkit and the autoscaler say how many."
  type        = number
  default     = 2
  nullable    = false
}

variable "max_count" {
  description = "How many instances a color may have at most."
  type        = number
  default     = 6
  nullable    = false
}

variable "scaling" {
  description = "What the groups scale by, as `asg-pair` takes it. null: nothing."
  type = object({
    cpu_percent         = optional(number)
    requests_per_target = optional(number)
  })
  default = { cpu_percent = 60 }
}

variable "certificate_arn" {
  description = "Certificate in ACM for HTTPS, with a redirect from port 80. null: HTTP alone."
  type        = string
  default     = null
}

variable "listener_port" {
  description = "The port on which the load balancer listens. null: 443 with a certificate, else 80."
  type        = number
  default     = null
}

variable "ingress_cidr_blocks" {
  description = "From where the load balancer may be reached."
  type        = set(string)
  default     = ["0.0.0.0/0"]
  nullable    = false
}

variable "target_port" {
  description = "The port on which instances listen."
  type        = number
  default     = 8080
  nullable    = false
}

variable "health_check_path" {
  description = "The path that tells whether an instance is healthy."
  type        = string
  default     = "/healthz"
  nullable    = false
}

variable "health_check_interval_seconds" {
  description = "How often the load balancer asks for it, 5 to 300. Two answers make an instance healthy or unhealthy."
  type        = number
  default     = 10
  nullable    = false
}

variable "deregistration_delay_seconds" {
  description = "How long requests in flight may take to end on an instance that is leaving: long enough for them, short enough that the idle color is free for the next release."
  type        = number
  default     = 60
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
