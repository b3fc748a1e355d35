variable "name" {
  description = "Name of the service."
  type        = string
  default     = "web"
  nullable    = false
}

variable "targets" {
  description = "Addresses of the targets per color. They are private, as AWS demands; the lab maps them to loopback ones."
  type = object({
    blue  = list(string)
    green = list(string)
  })
  default = {
    blue  = ["10.0.1.11", "10.0.1.12", "10.0.1.13"]
    green = ["10.0.2.11", "10.0.2.12", "10.0.2.13"]
  }
  nullable = false
}

variable "target_port" {
  description = "The port on which targets listen."
  type        = number
  default     = 8080
  nullable    = false
}

variable "listener_port" {
  description = "The port on which the load balancer listens."
  type        = number
  default     = 80
  nullable    = false
}

variable "path_patterns" {
  description = "Which paths take the route."
  type        = list(string)
  default     = ["/*"]
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
