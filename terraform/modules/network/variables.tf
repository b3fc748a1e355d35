variable "name" {
  description = "Name of the VPC and prefix of the names of what is in it."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-zA-Z0-9]([a-zA-Z0-9-]{0,62}[a-zA-Z0-9])?$", var.name))
    error_message = "Write a name of 1 to 64 letters, digits and hyphens that neither begins nor ends with a hyphen."
  }
}

variable "cidr_block" {
  description = "The VPC's private IPv4 range; the two subnets take the first two sixteenths of it."
  type        = string
  default     = "10.0.0.0/16"
  nullable    = false

  # A VPC has /16 to /28, and so does a subnet, which is four bits narrower ("VPC CIDR blocks", VPC user guide).
  validation {
    condition     = can(cidrnetmask(var.cidr_block)) && try(tonumber(split("/", var.cidr_block)[1]) >= 16 && tonumber(split("/", var.cidr_block)[1]) <= 24, false)
    error_message = "Write an IPv4 block from /16 to /24, such as \"10.0.0.0/16\"."
  }

  validation {
    condition     = try(cidrhost(var.cidr_block, 0) == split("/", var.cidr_block)[0], true)
    error_message = "Write the block by its first address: the bits behind the prefix must be zero."
  }
}

variable "listener_ports" {
  description = "The ports on which the load balancer may be reached."
  type        = set(number)
  default     = [80, 443]
  nullable    = false

  validation {
    condition     = alltrue([for port in var.listener_ports : port >= 1 && port <= 65535 && floor(port) == port])
    error_message = "Write whole numbers from 1 to 65535."
  }
}

variable "ingress_cidr_blocks" {
  description = "From where the load balancer may be reached. The default is everywhere."
  type        = set(string)
  default     = ["0.0.0.0/0"]
  nullable    = false

  validation {
    condition     = alltrue([for block in var.ingress_cidr_blocks : can(cidrnetmask(block))])
    error_message = "Write IPv4 blocks, such as \"203.0.113.0/24\"."
  }
}

variable "target_ports" {
  description = "The ports on which the load balancer reaches targets, for requests and for health checks."
  type        = set(number)
  default     = [8080]
  nullable    = false

  validation {
    condition     = length(var.target_ports) > 0 && alltrue([for port in var.target_ports : port >= 1 && port <= 65535 && floor(port) == port])
    error_message = "Write at least one whole number from 1 to 65535."
  }
}

variable "tags" {
  description = "Tags of everything in the network."
  type        = map(string)
  default     = {}
  nullable    = false
}
