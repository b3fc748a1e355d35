variable "name" {
  description = "Name of the route in the deployment contract; unique within its service."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-zA-Z0-9]([a-zA-Z0-9-]{0,62}[a-zA-Z0-9])?$", var.name))
    error_message = "Write a name of 1 to 64 letters, digits and hyphens that neither begins nor ends with a hyphen."
  }
}

variable "load_balancer_arn" {
  description = "The Network Load Balancer that gets the listener."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^arn:[^:]+:elasticloadbalancing:[^:]*:[^:]*:loadbalancer/net/", var.load_balancer_arn))
    error_message = "Write the ARN of a Network Load Balancer: \"arn:aws:elasticloadbalancing:<region>:<account>:loadbalancer/net/...\"."
  }
}

variable "target_groups" {
  description = "The pair, as `target-group-pair` outputs it. Both groups stay attached at all times, so that both are health-checked."
  type = object({
    blue  = object({ arn = string, protocol = optional(string, "TCP") })
    green = object({ arn = string, protocol = optional(string, "TCP") })
  })
  nullable = false

  validation {
    condition     = var.target_groups.blue.arn != var.target_groups.green.arn
    error_message = "Write two different target groups: blue and green are the same one."
  }

  # "Routing configuration" in "Target groups for your Network Load Balancers", ELB user guide.
  validation {
    condition = alltrue([
      for group in values(var.target_groups) : contains(var.protocol == "TLS" ? ["TCP", "TLS"] : ["TCP"], group.protocol)
    ])
    error_message = "Write a pair that suits the listener: a TCP listener forwards to groups of protocol TCP, a TLS listener to TCP or TLS."
  }
}

variable "initial_color" {
  description = "The color that gets all traffic when the listener is created. It is only a seed: afterwards the load balancer alone knows the split, and changing this changes nothing."
  type        = string
  default     = "blue"
  nullable    = false

  validation {
    condition     = contains(["blue", "green"], var.initial_color)
    error_message = "Write \"blue\" or \"green\"."
  }
}

variable "port" {
  description = "The port on which the load balancer listens."
  type        = number
  nullable    = false

  validation {
    condition     = var.port >= 1 && var.port <= 65535 && floor(var.port) == var.port
    error_message = "Write a whole number from 1 to 65535."
  }
}

variable "protocol" {
  description = "`TCP`, which passes flows on as they are (encrypted ones too), or `TLS`, which the load balancer ends with its own certificate."
  type        = string
  default     = "TCP"
  nullable    = false

  validation {
    condition     = contains(["TCP", "TLS"], var.protocol)
    error_message = "Write \"TCP\" or \"TLS\"."
  }
}

variable "certificate_arn" {
  description = "The certificate of a TLS listener, in ACM or IAM. null: none, for TCP."
  type        = string
  default     = null

  validation {
    condition     = (var.certificate_arn != null) == (var.protocol == "TLS")
    error_message = "Write certificate_arn exactly where protocol is \"TLS\": a TLS listener cannot be made without one, and a TCP listener takes none."
  }

  validation {
    condition     = var.certificate_arn == null || can(regex("^arn:[^:]+:(acm|iam):[^:]*:[0-9]*:(certificate|server-certificate)/", var.certificate_arn))
    error_message = "Write certificate_arn as an ARN: \"arn:aws:acm:<region>:<account>:certificate/<id>\" or an IAM server certificate's."
  }
}

variable "ssl_policy" {
  description = "The security policy of a TLS listener. null: `ELBSecurityPolicy-TLS13-1-2-2021-06` (TLS 1.2 and 1.3), and none for TCP."
  type        = string
  default     = null

  validation {
    condition     = var.ssl_policy == null || can(regex("^ELBSecurityPolicy-[A-Za-z0-9-]+$", var.ssl_policy))
    error_message = "Write ssl_policy as a predefined policy, such as \"ELBSecurityPolicy-TLS13-1-2-2021-06\"."
  }

  validation {
    condition     = var.ssl_policy == null || var.protocol == "TLS"
    error_message = "Write protocol = \"TLS\", or leave ssl_policy out: a TCP listener takes none."
  }
}

# "ALPN policies", ELB user guide.
variable "alpn_policy" {
  description = "What a TLS listener offers to clients that ask for HTTP/1.1 or HTTP/2: `HTTP1Only`, `HTTP2Only`, `HTTP2Optional`, `HTTP2Preferred` or `None`. null: AWS's default, `None`."
  type        = string
  default     = null

  validation {
    condition = var.alpn_policy == null || contains(
      ["HTTP1Only", "HTTP2Only", "HTTP2Optional", "HTTP2Preferred", "None"], coalesce(var.alpn_policy, "-")
    )
    error_message = "Write alpn_policy as \"HTTP1Only\", \"HTTP2Only\", \"HTTP2Optional\", \"HTTP2Preferred\" or \"None\"."
  }

  validation {
    condition     = var.alpn_policy == null || var.protocol == "TLS"
    error_message = "Write protocol = \"TLS\", or leave alpn_policy out: a TCP listener takes none."
  }
}

# "Update the TCP idle timeout for your Network Load Balancer listener", ELB user guide.
variable "tcp_idle_timeout_seconds" {
  description = "After how many seconds of silence a TCP flow is forgotten, 60 to 6000. null: AWS's default, 350, the only one for TLS."
  type        = number
  default     = null

  validation {
    condition = try(
      var.tcp_idle_timeout_seconds >= 60 && var.tcp_idle_timeout_seconds <= 6000
      && floor(var.tcp_idle_timeout_seconds) == var.tcp_idle_timeout_seconds, var.tcp_idle_timeout_seconds == null
    )
    error_message = "Write tcp_idle_timeout_seconds as a whole number from 60 to 6000, or leave it out."
  }

  validation {
    condition     = var.tcp_idle_timeout_seconds == null || var.protocol == "TCP"
    error_message = "Write protocol = \"TCP\", or leave tcp_idle_timeout_seconds out: a TLS listener keeps to 350 seconds."
  }
}

variable "tags" {
  description = "Tags of the listener."
  type        = map(string)
  default     = {}
  nullable    = false
}
