variable "name" {
  description = "Name of the service. The alarms are named `<name>-<color>-bad-requests`, `-latency`, `-unhealthy-hosts` and, over these, `<name>-<color>`."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-zA-Z0-9]([a-zA-Z0-9-]{0,62}[a-zA-Z0-9])?$", var.name))
    error_message = "Write a name of 1 to 64 letters, digits and hyphens that neither begins nor ends with a hyphen."
  }
}

variable "load_balancer" {
  description = "The load balancer of all routes, as `deployment-contract` takes it; `type` is `application` or `network`."
  type = object({
    type       = optional(string, "application")
    arn_suffix = string
  })
  nullable = false

  validation {
    condition     = contains(["application", "network"], var.load_balancer.type)
    error_message = "Write load_balancer.type as \"application\" or \"network\"."
  }

  validation {
    condition     = startswith(var.load_balancer.arn_suffix, var.load_balancer.type == "network" ? "net/" : "app/")
    error_message = "Write load_balancer.arn_suffix as the load balancer's `arn_suffix`: \"app/...\" for type \"application\", \"net/...\" for \"network\". It is the dimension by which CloudWatch knows it."
  }
}

variable "target_groups" {
  description = "The pair, as `target-group-pair` outputs it."
  type = object({
    blue  = object({ arn_suffix = string })
    green = object({ arn_suffix = string })
  })
  nullable = false

  validation {
    condition     = alltrue([for group in values(var.target_groups) : startswith(group.arn_suffix, "targetgroup/")])
    error_message = "Write each target group's arn_suffix, \"targetgroup/...\": the dimension by which CloudWatch knows it."
  }

  validation {
    condition     = var.target_groups.blue.arn_suffix != var.target_groups.green.arn_suffix
    error_message = "Write two different target groups: blue and green are the same one."
  }
}

variable "bad_requests" {
  description = "Alarm where more than `above_percent` of a color's requests in a minute were bad, in `datapoints` of the last `minutes` minutes. Bad is what its targets answered neither 2xx nor 3xx nor 4xx; `count_4xx` adds 4xx, and `websockets` counts instead what targets and connections reported. Minutes with fewer than `minimum_requests` are good. null: no such alarm. Not behind a Network Load Balancer."
  type = object({
    above_percent    = optional(number, 1)
    minimum_requests = optional(number, 100)
    minutes          = optional(number, 5)
    datapoints       = optional(number, 3)
    count_4xx        = optional(bool, false)
    websockets       = optional(bool, false)
  })
  default = {}

  validation {
    condition     = var.bad_requests == null ? true : var.bad_requests.above_percent >= 0 && var.bad_requests.above_percent < 100
    error_message = "Write bad_requests.above_percent as percent: 0 or more, and below 100."
  }

  validation {
    condition     = var.bad_requests == null ? true : var.bad_requests.minimum_requests >= 1 && floor(var.bad_requests.minimum_requests) == var.bad_requests.minimum_requests
    error_message = "Write bad_requests.minimum_requests as a whole number of at least 1."
  }

  # An alarm looks back a day at most (PutMetricAlarm, API reference), which is 1440 minutes.
  validation {
    condition = var.bad_requests == null ? true : (
      var.bad_requests.minutes <= 1440 && floor(var.bad_requests.minutes) == var.bad_requests.minutes
      && var.bad_requests.datapoints <= var.bad_requests.minutes && floor(var.bad_requests.datapoints) == var.bad_requests.datapoints
    )
    error_message = "Write bad_requests.minutes and bad_requests.datapoints as whole numbers: at most 1440 minutes, and no more datapoints than minutes."
  }

  validation {
    condition     = var.bad_requests == null ? true : var.bad_requests.datapoints >= 2
    error_message = "Write bad_requests.datapoints of at least 2: in the newest minute the answers may be counted later than the requests, which then look bad."
  }
}

variable "latency" {
  description = "Alarm where percentile `percentile` of a color's response times is above `above_seconds`, in `datapoints` of the last `minutes` minutes. null: no such alarm. Not behind a Network Load Balancer."
  type = object({
    above_seconds = optional(number, 1)
    percentile    = optional(number, 99)
    minutes       = optional(number, 5)
    datapoints    = optional(number, 3)
  })
  default = {}

  validation {
    condition     = var.latency == null ? true : var.latency.above_seconds > 0
    error_message = "Write latency.above_seconds as seconds above 0, such as 0.5."
  }

  validation {
    condition     = var.latency == null ? true : var.latency.percentile >= 50 && var.latency.percentile <= 100
    error_message = "Write latency.percentile as a number from 50 to 100, such as 99 or 99.9."
  }

  validation {
    condition = var.latency == null ? true : (
      var.latency.minutes <= 1440 && floor(var.latency.minutes) == var.latency.minutes
      && var.latency.datapoints >= 1 && var.latency.datapoints <= var.latency.minutes && floor(var.latency.datapoints) == var.latency.datapoints
    )
    error_message = "Write latency.minutes and latency.datapoints as whole numbers: 1 to 1440 minutes, and 1 to as many datapoints."
  }
}

variable "unhealthy_hosts" {
  description = "Alarm where more than `above` targets of a color were unhealthy, in `datapoints` of the last `minutes` minutes. null: no such alarm."
  type = object({
    above      = optional(number, 0)
    minutes    = optional(number, 3)
    datapoints = optional(number, 2)
  })
  default = {}

  validation {
    condition = var.unhealthy_hosts != null || (
      var.load_balancer.type == "network" ? var.resets != null : var.bad_requests != null || var.latency != null
    )
    error_message = "Write at least one alarm: with none of them nothing guards a rollout."
  }

  validation {
    condition     = var.unhealthy_hosts == null ? true : var.unhealthy_hosts.above >= 0 && floor(var.unhealthy_hosts.above) == var.unhealthy_hosts.above
    error_message = "Write unhealthy_hosts.above as a whole number of targets, 0 or more."
  }

  validation {
    condition = var.unhealthy_hosts == null ? true : (
      var.unhealthy_hosts.minutes <= 1440 && floor(var.unhealthy_hosts.minutes) == var.unhealthy_hosts.minutes
      && var.unhealthy_hosts.datapoints >= 1 && var.unhealthy_hosts.datapoints <= var.unhealthy_hosts.minutes && floor(var.unhealthy_hosts.datapoints) == var.unhealthy_hosts.datapoints
    )
    error_message = "Write unhealthy_hosts.minutes and unhealthy_hosts.datapoints as whole numbers: 1 to 1440 minutes, and 1 to as many datapoints."
  }
}

variable "resets" {
  description = "Alarm where targets reset more than `above` flows in a minute, in `datapoints` of the last `minutes` minutes. Behind a Network Load Balancer only, which counts resets of both colors together. null: no such alarm."
  type = object({
    above      = number
    minutes    = optional(number, 3)
    datapoints = optional(number, 2)
  })
  default = null

  validation {
    condition     = var.resets == null || var.load_balancer.type == "network"
    error_message = "Leave resets out: an Application Load Balancer counts what a target resets among the bad requests."
  }

  validation {
    condition     = var.resets == null ? true : var.resets.above >= 0 && floor(var.resets.above) == var.resets.above
    error_message = "Write resets.above as a whole number of flows, 0 or more."
  }

  validation {
    condition = var.resets == null ? true : (
      var.resets.minutes <= 1440 && floor(var.resets.minutes) == var.resets.minutes
      && var.resets.datapoints >= 1 && var.resets.datapoints <= var.resets.minutes && floor(var.resets.datapoints) == var.resets.datapoints
    )
    error_message = "Write resets.minutes and resets.datapoints as whole numbers: 1 to 1440 minutes, and 1 to as many datapoints."
  }
}

variable "composite" {
  description = "Whether a composite alarm stands over the alarms of each color, and is what the contract names. Turn it off where the endpoint has none, such as the lab: then the contract names the alarms themselves."
  type        = bool
  default     = true
  nullable    = false
}

variable "actions" {
  description = "ARNs, mostly of SNS topics, that are told when a color's composite alarm goes into ALARM and when it is OK again. bluegreen needs none: it asks."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for action in var.actions : startswith(action, "arn:")])
    error_message = "Write each action as an ARN, such as \"arn:aws:sns:<region>:<account>:<topic>\"."
  }

  validation {
    condition     = length(var.actions) == 0 || var.composite
    error_message = "Leave actions out, or write composite = true: the composite alarm tells, not each alarm by itself."
  }
}

variable "tags" {
  description = "Tags of the alarms; each also gets `bluegreen:color`, but for the one of resets, which has none."
  type        = map(string)
  default     = {}
  nullable    = false
}
