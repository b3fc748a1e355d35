variable "name" {
  description = "Name of the service: what an operator says to `bluegreen`, and part of the parameter's name."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-zA-Z0-9]([a-zA-Z0-9-]{0,62}[a-zA-Z0-9])?$", var.name))
    error_message = "Write a name of 1 to 64 letters, digits and hyphens that neither begins nor ends with a hyphen."
  }
}

variable "load_balancer" {
  description = "The load balancer of all routes. Account and region of the contract are read from its ARN."
  type = object({
    type       = optional(string, "application")
    arn        = string
    arn_suffix = string
    dns_name   = string
  })
  nullable = false

  validation {
    condition     = var.load_balancer.type == "application"
    error_message = "Write load_balancer.type = \"application\": schema 1 of the contract knows no other."
  }

  validation {
    condition     = can(regex("^arn:aws[a-z-]*:elasticloadbalancing:[a-z0-9-]+:[0-9]{12}:loadbalancer/", var.load_balancer.arn))
    error_message = "Write load_balancer.arn as \"arn:aws:elasticloadbalancing:<region>:<account>:loadbalancer/...\"."
  }
}

variable "routes" {
  description = "The routes that shift together: the `route` outputs of `alb-route`."
  type = list(object({
    name         = string
    kind         = string
    arn          = string
    listener_arn = string
    stickiness = object({
      enabled          = bool
      duration_seconds = optional(number)
    })
    preceding_actions = optional(list(object({
      type     = string
      order    = number
      settings = map(string)
    })), [])
  }))
  nullable = false

  validation {
    condition     = length(var.routes) > 0
    error_message = "Write at least one route: a service without one has nothing to shift."
  }

  validation {
    condition     = length(distinct(var.routes[*].name)) == length(var.routes)
    error_message = "Write a different name for each route: messages and records tell routes apart by it."
  }

  validation {
    condition     = length(distinct(var.routes[*].arn)) == length(var.routes)
    error_message = "Write each route once: two of them have the same ARN."
  }

  validation {
    condition     = alltrue([for route in var.routes : contains(["alb-rule"], route.kind)])
    error_message = "Write each route's kind as \"alb-rule\"."
  }

  validation {
    condition     = alltrue([for route in var.routes : route.stickiness.enabled == (route.stickiness.duration_seconds != null)])
    error_message = "Write stickiness.duration_seconds exactly where stickiness.enabled is true."
  }
}

variable "target_groups" {
  description = "The pair, as `target-group-pair` outputs it."
  type = object({
    blue  = object({ name = string, arn = string, arn_suffix = string })
    green = object({ name = string, arn = string, arn_suffix = string })
  })
  nullable = false

  validation {
    condition     = var.target_groups.blue.arn != var.target_groups.green.arn
    error_message = "Write two different target groups: blue and green are the same one."
  }
}

variable "state_table" {
  description = "The DynamoDB table of rollouts, as `rollout-state` outputs it. null: none, and records stay on the operator's machine."
  type        = object({ name = string, arn = string })
  default     = null
}

variable "tags" {
  description = "Tags of the parameter."
  type        = map(string)
  default     = {}
  nullable    = false
}
