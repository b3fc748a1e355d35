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
  description = "The load balancer of all routes; `type` is `application` or `network`. Account and region of the contract are read from its ARN."
  type = object({
    type       = optional(string, "application")
    arn        = string
    arn_suffix = string
    dns_name   = string
  })
  nullable = false

  validation {
    condition     = contains(["application", "network"], var.load_balancer.type)
    error_message = "Write load_balancer.type as \"application\" or \"network\": schema 1 of the contract knows no other."
  }

  validation {
    condition     = can(regex("^arn:aws[a-z-]*:elasticloadbalancing:[a-z0-9-]+:[0-9]{12}:loadbalancer/", var.load_balancer.arn))
    error_message = "Write load_balancer.arn as \"arn:aws:elasticloadbalancing:<region>:<account>:loadbalancer/...\"."
  }
}

variable "routes" {
  description = "The routes that shift together: the `route` outputs of `alb-route` or of `nlb-route`. `kind` is `alb-rule` (a rule), `alb-listener` or `nlb-listener` (the default action of a listener)."
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
    reserved_priorities = optional(object({ first = number, last = number }))
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
    condition     = alltrue([for route in var.routes : contains(["alb-rule", "alb-listener", "nlb-listener"], route.kind)])
    error_message = "Write each route's kind as \"alb-rule\", \"alb-listener\" or \"nlb-listener\"."
  }

  validation {
    condition     = alltrue([for route in var.routes : (route.kind == "nlb-listener") == (var.load_balancer.type == "network")])
    error_message = "Write routes that suit the load balancer: kind \"nlb-listener\" goes with load_balancer.type \"network\", the other kinds with \"application\"."
  }

  validation {
    condition     = alltrue([for route in var.routes : route.arn == route.listener_arn if endswith(route.kind, "-listener")])
    error_message = "Write the listener's ARN as both arn and listener_arn of a route whose kind ends in \"-listener\": the listener is the route."
  }

  validation {
    condition     = alltrue([for route in var.routes : !route.stickiness.enabled if route.kind == "nlb-listener"])
    error_message = "Write stickiness.enabled = false for a route of kind \"nlb-listener\": a Network Load Balancer has no target-group stickiness."
  }

  validation {
    condition     = alltrue([for route in var.routes : route.stickiness.enabled == (route.stickiness.duration_seconds != null)])
    error_message = "Write stickiness.duration_seconds exactly where stickiness.enabled is true."
  }

  # "Listener rules", ELB user guide.
  validation {
    condition = alltrue([
      for route in var.routes : route.reserved_priorities.first >= 1 && route.reserved_priorities.last <= 50000
      && route.reserved_priorities.first <= route.reserved_priorities.last && route.kind != "nlb-listener"
      if route.reserved_priorities != null
    ])
    error_message = "Write reserved_priorities with first and last from 1 to 50000, first not above last, and none on a Network Load Balancer, which has no rules."
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

variable "test_routes" {
  description = "The rules that reach one color alone, whatever the weights: the `test_routes` outputs of `alb-route`, concatenated. The header's value is not in them, as it may be a secret."
  type = list(object({
    name         = string
    color        = string
    arn          = string
    listener_arn = string
    header_name  = string
  }))
  default  = []
  nullable = false

  validation {
    condition     = alltrue([for route in var.test_routes : contains(["blue", "green"], route.color)])
    error_message = "Write each test route's color as \"blue\" or \"green\"."
  }

  validation {
    condition     = length(distinct(var.test_routes[*].name)) == length(var.test_routes)
    error_message = "Write a different name for each test route."
  }

  validation {
    condition     = length(distinct(concat(var.test_routes[*].arn, var.routes[*].arn))) == length(var.test_routes) + length(var.routes)
    error_message = "Write each test route once, and none that is a route: two of them have the same ARN."
  }

  validation {
    condition     = alltrue([for route in var.test_routes : length(route.header_name) > 0])
    error_message = "Write each test route's header_name."
  }

  validation {
    condition     = length(var.test_routes) == 0 || var.load_balancer.type == "application"
    error_message = "Leave test_routes out: a Network Load Balancer reads no headers."
  }
}

variable "state_table" {
  description = "The DynamoDB table of rollouts, as `rollout-state` outputs it. null: none, and records stay on the operator's machine."
  type        = object({ name = string, arn = string })
  default     = null
}

variable "workload" {
  description = "What runs behind the pair, by name, for the steps that deploy to it and scale it: kind `ecs` with cluster, services and perhaps `container`, the one whose image a release brings, or kind `asg` with groups. null: bluegreen deploys and scales nothing."
  type = object({
    kind      = string
    cluster   = optional(string)
    services  = optional(object({ blue = string, green = string }))
    container = optional(string)
    groups    = optional(object({ blue = string, green = string }))
  })
  default = null

  validation {
    condition     = var.workload == null ? true : contains(["ecs", "asg"], var.workload.kind)
    error_message = "Write workload.kind as \"ecs\" or \"asg\"."
  }

  validation {
    condition     = try(var.workload.kind, "") != "ecs" ? true : try(length(var.workload.cluster) > 0, false) && var.workload.services != null && var.workload.groups == null
    error_message = "Write cluster and services, and no groups, in a workload of kind \"ecs\"."
  }

  validation {
    condition     = try(var.workload.kind, "") != "asg" ? true : var.workload.groups != null && var.workload.cluster == null && var.workload.services == null && var.workload.container == null
    error_message = "Write groups, and neither cluster nor services nor container, in a workload of kind \"asg\"."
  }

  # ContainerDefinition, ECS API reference.
  validation {
    condition     = try(var.workload.container, null) == null ? true : can(regex("^[a-zA-Z0-9_-]{1,255}$", var.workload.container))
    error_message = "Write workload.container as the task definition has the container's name, of 1 to 255 letters, digits, underscores and hyphens, or leave it out."
  }

  validation {
    condition = alltrue([
      for pair in [try(var.workload.services, null), try(var.workload.groups, null)] :
      length(pair.blue) > 0 && length(pair.green) > 0 && pair.blue != pair.green if pair != null
    ])
    error_message = "Write two different names, one for blue and one for green: each color runs by itself."
  }
}

variable "alarms" {
  description = "Names of the CloudWatch alarms that guard each color, as `guardrail-alarms` outputs them; yours may stand among them. They are asked while a rollout runs. null: none, and the contract does not speak of alarms."
  type = object({
    blue  = optional(list(string), [])
    green = optional(list(string), [])
  })
  default = null

  # PutMetricAlarm, CloudWatch API reference.
  validation {
    condition     = var.alarms == null ? true : alltrue([for name in concat(var.alarms.blue, var.alarms.green) : length(name) >= 1 && length(name) <= 255])
    error_message = "Write each alarm by its name, of 1 to 255 characters."
  }

  validation {
    condition     = var.alarms == null ? true : !anytrue([for name in concat(var.alarms.blue, var.alarms.green) : startswith(name, "arn:")])
    error_message = "Write each alarm by its name, not its ARN: alarms are asked for in the account and region of the load balancer."
  }

  validation {
    condition     = var.alarms == null ? true : alltrue([for names in [var.alarms.blue, var.alarms.green] : length(distinct(names)) == length(names)])
    error_message = "Write each alarm of a color once."
  }
}

variable "tags" {
  description = "Tags of the parameter."
  type        = map(string)
  default     = {}
  nullable    = false
}
