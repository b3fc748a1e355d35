variable "name" {
  description = "Name of the service. The target groups are named `<name>-blue` and `<name>-green`."
  type        = string
  nullable    = false

  # A target group's name has at most 32 characters (CreateTargetGroup, API reference); "-green" takes six.
  validation {
    condition     = can(regex("^[a-zA-Z0-9]([a-zA-Z0-9-]{0,24}[a-zA-Z0-9])?$", var.name))
    error_message = "Write a name of 1 to 26 letters, digits and hyphens that neither begins nor ends with a hyphen: \"-green\" is appended, and AWS takes 32 characters."
  }

  validation {
    condition     = !startswith(var.name, "internal-")
    error_message = "Write a name that does not begin with \"internal-\": AWS reserves that for load balancers of its own naming."
  }
}

variable "vpc_id" {
  description = "The VPC of the targets."
  type        = string
  nullable    = false

  validation {
    condition     = startswith(var.vpc_id, "vpc-")
    error_message = "Write the ID of a VPC, such as \"vpc-0123456789abcdef0\", not its name or ARN."
  }
}

variable "port" {
  description = "The port targets listen on, unless a target says another."
  type        = number
  nullable    = false

  validation {
    condition     = var.port >= 1 && var.port <= 65535 && floor(var.port) == var.port
    error_message = "Write a whole number from 1 to 65535."
  }
}

variable "protocol" {
  description = "What the load balancer speaks to targets. An Application Load Balancer: `HTTP` or `HTTPS`; a Network Load Balancer: `TCP` or `TLS`."
  type        = string
  default     = "HTTP"
  nullable    = false

  validation {
    condition     = contains(["HTTP", "HTTPS", "TCP", "TLS"], var.protocol)
    error_message = "Write \"HTTP\" or \"HTTPS\" for an Application Load Balancer, \"TCP\" or \"TLS\" for a Network Load Balancer. UDP and QUIC are not paired by this module."
  }
}

variable "protocol_version" {
  description = "`HTTP1`, `HTTP2` or `GRPC`. The last two need an HTTPS listener. null: `HTTP1`, and none for TCP and TLS."
  type        = string
  default     = null

  validation {
    condition     = var.protocol_version == null || contains(["HTTP1", "HTTP2", "GRPC"], coalesce(var.protocol_version, "-"))
    error_message = "Write \"HTTP1\", \"HTTP2\" or \"GRPC\"."
  }

  validation {
    condition     = var.protocol_version == null || !contains(["TCP", "TLS"], var.protocol)
    error_message = "Leave protocol_version out: a pair of protocol TCP or TLS has none."
  }
}

variable "target_type" {
  description = "How targets are registered: `instance` (by instance ID) or `ip` (by address; what Fargate needs)."
  type        = string
  default     = "ip"
  nullable    = false

  validation {
    condition     = contains(["instance", "ip"], var.target_type)
    error_message = "Write \"instance\" or \"ip\". Lambda functions and load balancers as targets are not paired by this module."
  }
}

# Limits and defaults: "Health checks for Application Load Balancer target groups" and "Health checks for Network
# Load Balancer target groups", ELB user guides.
variable "health_check" {
  description = "The health check of both colors. `port` is a number or `traffic-port`. What is left out suits the pair. HTTP and HTTPS: `protocol` its own, `path` `/`, `matcher` `200` (gRPC: `/AWS.ALB/healthcheck` and `12`), `timeout_seconds` 5. TCP and TLS: `protocol` `TCP`, `timeout_seconds` 10; with `HTTP` or `HTTPS` as `protocol`, `path` `/`, `matcher` `200-399`, `timeout_seconds` 6 and 10. A timeout left out stays below the interval."
  type = object({
    path                = optional(string)
    port                = optional(string, "traffic-port")
    protocol            = optional(string)
    matcher             = optional(string)
    interval_seconds    = optional(number, 30)
    timeout_seconds     = optional(number)
    healthy_threshold   = optional(number, 5)
    unhealthy_threshold = optional(number, 2)
  })
  default  = {}
  nullable = false

  validation {
    condition     = var.health_check.path == null || try(startswith(var.health_check.path, "/") && length(var.health_check.path) <= 1024, false)
    error_message = "Write health_check.path as a path of at most 1024 characters that begins with \"/\", such as \"/healthz\" (gRPC: \"/package.service/method\")."
  }

  validation {
    condition = var.health_check.port == "traffic-port" || try(
      tonumber(var.health_check.port) >= 1 && tonumber(var.health_check.port) <= 65535
      && floor(tonumber(var.health_check.port)) == tonumber(var.health_check.port), false
    )
    error_message = "Write health_check.port as \"traffic-port\" or a whole number from 1 to 65535."
  }

  validation {
    condition = var.health_check.protocol == null || contains(
      contains(["TCP", "TLS"], var.protocol) ? ["TCP", "HTTP", "HTTPS"] : ["HTTP", "HTTPS"], coalesce(var.health_check.protocol, "-")
    )
    error_message = "Write health_check.protocol as \"HTTP\" or \"HTTPS\" (a pair of protocol TCP or TLS also takes \"TCP\"), or leave it out for what suits the pair."
  }

  validation {
    condition = !contains(["TCP", "TLS"], var.protocol) || contains(["HTTP", "HTTPS"], coalesce(var.health_check.protocol, "TCP")) || alltrue([
      for value in [var.health_check.path, var.health_check.matcher] : value == null
    ])
    error_message = "Write health_check.protocol as \"HTTP\" or \"HTTPS\", or leave path and matcher out: a TCP check asks for nothing but a connection."
  }

  # ALB: 200 to 499; NLB: 200 to 599; gRPC: 0 to 99 (Matcher, ELBv2 API reference). One value, a list, or ranges.
  validation {
    condition = var.health_check.matcher == null || try(alltrue([
      for part in split(",", var.health_check.matcher) :
      can(regex("^[0-9]{1,3}(-[0-9]{1,3})?$", part)) && alltrue([
        for code in split("-", part) : var.protocol_version == "GRPC" ? tonumber(code) <= 99 : (
          tonumber(code) >= 200 && tonumber(code) <= (contains(["TCP", "TLS"], var.protocol) ? 599 : 499)
        )
      ]) && tonumber(split("-", part)[0]) <= tonumber(reverse(split("-", part))[0])
    ]), false)
    error_message = "Write health_check.matcher as codes, commas and ascending ranges without spaces, such as \"200,301\" or \"200-299\": 200 to 499 for HTTP1 and HTTP2, 0 to 99 for GRPC, 200 to 599 in a pair of protocol TCP or TLS."
  }

  validation {
    condition = (
      var.health_check.interval_seconds >= 5 && var.health_check.interval_seconds <= 300
      && floor(var.health_check.interval_seconds) == var.health_check.interval_seconds
    )
    error_message = "Write health_check.interval_seconds as a whole number from 5 to 300."
  }

  validation {
    condition = var.health_check.timeout_seconds == null || try(
      var.health_check.timeout_seconds >= 2 && var.health_check.timeout_seconds <= 120
      && floor(var.health_check.timeout_seconds) == var.health_check.timeout_seconds, false
    )
    error_message = "Write health_check.timeout_seconds as a whole number from 2 to 120."
  }

  validation {
    condition     = var.health_check.timeout_seconds == null || try(var.health_check.timeout_seconds < var.health_check.interval_seconds, false)
    error_message = "Write health_check.timeout_seconds smaller than health_check.interval_seconds: AWS refuses a check that may outlast its interval."
  }

  validation {
    condition = alltrue([
      for threshold in [var.health_check.healthy_threshold, var.health_check.unhealthy_threshold] :
      threshold >= 2 && threshold <= 10 && floor(threshold) == threshold
    ])
    error_message = "Write health_check.healthy_threshold and health_check.unhealthy_threshold as whole numbers from 2 to 10."
  }
}

# Limits: "Target group attributes", ELB user guide.
variable "deregistration_delay_seconds" {
  description = "How long requests in flight, or standing flows, may take to end on a target that is leaving, 0 to 3600."
  type        = number
  default     = 300
  nullable    = false

  validation {
    condition = (
      var.deregistration_delay_seconds >= 0 && var.deregistration_delay_seconds <= 3600
      && floor(var.deregistration_delay_seconds) == var.deregistration_delay_seconds
    )
    error_message = "Write a whole number of seconds from 0 to 3600."
  }
}

variable "slow_start_seconds" {
  description = "How long a new target's share rises linearly: 0 (off) or 30 to 900. Not for TCP and TLS."
  type        = number
  default     = 0
  nullable    = false

  validation {
    condition = (
      (var.slow_start_seconds == 0 || (var.slow_start_seconds >= 30 && var.slow_start_seconds <= 900))
      && floor(var.slow_start_seconds) == var.slow_start_seconds
    )
    error_message = "Write 0 to turn slow start off, or a whole number of seconds from 30 to 900."
  }

  validation {
    condition     = var.slow_start_seconds == 0 || !contains(["TCP", "TLS"], var.protocol)
    error_message = "Leave slow_start_seconds out: a Network Load Balancer has no slow start."
  }
}

# "Edit target group attributes for your Network Load Balancer", ELB user guide.
variable "connection_termination" {
  description = "Whether flows that still stand are closed when `deregistration_delay_seconds` are over. TCP and TLS only: there flows may outlive a deregistration for as long as both ends like."
  type        = bool
  default     = false
  nullable    = false

  validation {
    condition     = !var.connection_termination || contains(["TCP", "TLS"], var.protocol)
    error_message = "Leave connection_termination out, or write protocol = \"TCP\" or \"TLS\": only a Network Load Balancer knows it."
  }
}

variable "preserve_client_ip" {
  description = "Whether targets see the client's address, not the load balancer's. TCP and TLS only. null: what AWS does by itself, yes for `instance` and no for `ip`."
  type        = bool
  default     = null

  validation {
    condition     = var.preserve_client_ip == null || contains(["TCP", "TLS"], var.protocol)
    error_message = "Leave preserve_client_ip out, or write protocol = \"TCP\" or \"TLS\": an Application Load Balancer tells the client's address in the header X-Forwarded-For."
  }
}

variable "proxy_protocol_v2" {
  description = "Whether each flow begins with a Proxy Protocol header (version 2), which targets must understand. TCP and TLS only."
  type        = bool
  default     = false
  nullable    = false

  validation {
    condition     = !var.proxy_protocol_v2 || contains(["TCP", "TLS"], var.protocol)
    error_message = "Leave proxy_protocol_v2 out, or write protocol = \"TCP\" or \"TLS\": only a Network Load Balancer speaks it."
  }
}

variable "targets" {
  description = "Targets that Terraform itself registers, per color, by a key that is known before apply. Leave empty where ECS, Auto Scaling or a deployment registers them. `id` is an address (`ip`) or an instance ID (`instance`); `availability_zone = \"all\"` is for an address outside the VPC."
  type = object({
    blue = optional(map(object({
      id                = string
      port              = optional(number)
      availability_zone = optional(string)
    })), {})
    green = optional(map(object({
      id                = string
      port              = optional(number)
      availability_zone = optional(string)
    })), {})
  })
  default  = {}
  nullable = false

  validation {
    condition = var.target_type != "instance" || alltrue([
      for target in concat(values(var.targets.blue), values(var.targets.green)) : startswith(target.id, "i-")
    ])
    error_message = "Write every target's id as an instance ID, such as \"i-0123456789abcdef0\": target_type is \"instance\"."
  }

  validation {
    condition = var.target_type != "ip" || alltrue([
      for target in concat(values(var.targets.blue), values(var.targets.green)) : can(cidrhost("${target.id}/32", 0))
    ])
    error_message = "Write every target's id as an IPv4 address, such as \"10.0.1.11\": target_type is \"ip\"."
  }

  # "You can't specify publicly routable IP addresses"; loopback and link-local are refused as well
  # ("Target groups for your Application Load Balancers", ELB user guide).
  validation {
    condition = var.target_type != "ip" || alltrue([
      for target in concat(values(var.targets.blue), values(var.targets.green)) :
      !can(regex("^(0|127|169\\.254|22[4-9]|2[3-5][0-9])\\.", target.id))
    ])
    error_message = "Write addresses of the VPC's subnets or private ones (10/8, 172.16/12, 192.168/16, 100.64/10): AWS registers no loopback, link-local or multicast address."
  }

  validation {
    condition = alltrue([
      for target in concat(values(var.targets.blue), values(var.targets.green)) :
      target.port == null || try(target.port >= 1 && target.port <= 65535 && floor(target.port) == target.port, false)
    ])
    error_message = "Write a target's port as a whole number from 1 to 65535, or leave it out for the port of the pair."
  }

  validation {
    condition = length(setintersection(
      [for target in values(var.targets.blue) : "${target.id}:${coalesce(target.port, var.port)}"],
      [for target in values(var.targets.green) : "${target.id}:${coalesce(target.port, var.port)}"],
    )) == 0
    error_message = "Write each target on one side only: the same id and port stand in blue and in green, so a shift would change nothing for them."
  }
}

variable "tags" {
  description = "Tags of both target groups; each also gets `Name` and `bluegreen:color`."
  type        = map(string)
  default     = {}
  nullable    = false
}
