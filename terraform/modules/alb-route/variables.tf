variable "name" {
  description = "Name of the route in the deployment contract; unique within its service."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-zA-Z0-9]([a-zA-Z0-9-]{0,62}[a-zA-Z0-9])?$", var.name))
    error_message = "Write a name of 1 to 64 letters, digits and hyphens that neither begins nor ends with a hyphen."
  }
}

variable "target_groups" {
  description = "The pair, as `target-group-pair` outputs it. Both groups stay attached at all times, so that both are health-checked."
  type = object({
    blue  = object({ arn = string, protocol = optional(string, "HTTP"), protocol_version = optional(string, "HTTP1") })
    green = object({ arn = string, protocol = optional(string, "HTTP"), protocol_version = optional(string, "HTTP1") })
  })
  nullable = false

  validation {
    condition     = var.target_groups.blue.arn != var.target_groups.green.arn
    error_message = "Write two different target groups: blue and green are the same one."
  }

  validation {
    condition = alltrue([
      for group in values(var.target_groups) : contains(["HTTP1", "HTTP2", "GRPC"], group.protocol_version)
    ])
    error_message = "Write protocol_version as \"HTTP1\", \"HTTP2\" or \"GRPC\", the one of the target group."
  }

  validation {
    condition     = alltrue([for group in values(var.target_groups) : contains(["HTTP", "HTTPS"], group.protocol)])
    error_message = "Write a pair of protocol \"HTTP\" or \"HTTPS\": an Application Load Balancer forwards no flows. For TCP and TLS take nlb-route."
  }
}

variable "initial_color" {
  description = "The color that gets all traffic when the route is created. It is only a seed: afterwards the load balancer alone knows the split, and changing this changes nothing."
  type        = string
  default     = "blue"
  nullable    = false

  validation {
    condition     = contains(["blue", "green"], var.initial_color)
    error_message = "Write \"blue\" or \"green\"."
  }
}

variable "listener_arn" {
  description = "The listener to put the route on. null: the module makes its own, described by `listener`."
  type        = string
  default     = null

  validation {
    condition     = (var.listener_arn == null) != (var.listener == null)
    error_message = "Write either listener_arn (a listener that exists) or listener (one to be made), and not both."
  }

  validation {
    condition     = var.listener_arn == null || can(regex("^arn:[^:]+:elasticloadbalancing:[^:]*:[^:]*:listener/app/", var.listener_arn))
    error_message = "Write the ARN of a listener of an Application Load Balancer: \"arn:aws:elasticloadbalancing:<region>:<account>:listener/app/...\"."
  }
}

variable "listener" {
  description = "A listener of the route's own. null: the route goes on `listener_arn`. `port` defaults to 80 for HTTP and 443 for HTTPS; requests that match no rule get `unmatched_status`; `redirect_http_port` adds an HTTP listener on that port that redirects to this one."
  type = object({
    load_balancer_arn  = string
    port               = optional(number)
    protocol           = optional(string, "HTTP")
    certificate_arn    = optional(string)
    ssl_policy         = optional(string)
    unmatched_status   = optional(number, 404)
    redirect_http_port = optional(number)
  })
  default = null

  validation {
    condition     = try(contains(["HTTP", "HTTPS"], var.listener.protocol), var.listener == null)
    error_message = "Write listener.protocol as \"HTTP\" or \"HTTPS\"."
  }

  validation {
    condition = var.listener == null || alltrue([
      for port in [try(var.listener.port, null), try(var.listener.redirect_http_port, null)] :
      port == null || try(port >= 1 && port <= 65535 && floor(port) == port, false)
    ])
    error_message = "Write listener.port and listener.redirect_http_port as whole numbers from 1 to 65535, or leave them out."
  }

  validation {
    condition     = try(contains([404, 503], var.listener.unmatched_status), var.listener == null)
    error_message = "Write listener.unmatched_status as 404 or 503."
  }

  validation {
    condition     = try(var.listener.protocol, "") != "HTTPS" || try(var.listener.certificate_arn, null) != null
    error_message = "Write listener.certificate_arn, the ARN of a certificate in ACM or IAM: an HTTPS listener cannot be made without one."
  }

  validation {
    condition = try(var.listener.certificate_arn, null) == null || can(
      regex("^arn:[^:]+:(acm|iam):[^:]*:[0-9]*:(certificate|server-certificate)/", var.listener.certificate_arn)
    )
    error_message = "Write listener.certificate_arn as an ARN: \"arn:aws:acm:<region>:<account>:certificate/<id>\" or an IAM server certificate's."
  }

  validation {
    condition = try(var.listener.protocol, "HTTPS") == "HTTPS" || alltrue([
      for value in [try(var.listener.certificate_arn, null), try(var.listener.ssl_policy, null)] : value == null
    ])
    error_message = "Write listener.protocol = \"HTTPS\", or leave certificate_arn and ssl_policy out: an HTTP listener takes neither."
  }

  validation {
    condition     = try(var.listener.ssl_policy, null) == null || can(regex("^ELBSecurityPolicy-[A-Za-z0-9-]+$", var.listener.ssl_policy))
    error_message = "Write listener.ssl_policy as a predefined policy, such as \"ELBSecurityPolicy-TLS13-1-2-2021-06\"."
  }

  validation {
    condition     = try(var.listener.redirect_http_port, null) == null || try(var.listener.protocol, "") == "HTTPS"
    error_message = "Write listener.protocol = \"HTTPS\", or leave redirect_http_port out: the redirect leads from HTTP to HTTPS."
  }

  validation {
    condition = (
      try(var.listener.redirect_http_port, null) == null
      || try(var.listener.redirect_http_port, 0) != coalesce(try(var.listener.port, null), 443)
    )
    error_message = "Write a listener.redirect_http_port that differs from listener.port: a load balancer has one listener per port."
  }
}

variable "priority" {
  description = "The rule's priority on its listener, 1 to 50000; the lowest number that matches wins."
  type        = number
  default     = 100
  nullable    = false

  # "Listener rules", ELB user guide.
  validation {
    condition     = var.priority >= 1 && var.priority <= 50000 && floor(var.priority) == var.priority
    error_message = "Write a whole number from 1 to 50000 that no other rule of the listener has."
  }
}

variable "reserved_priorities" {
  description = "Priorities of the listener kept free for rules that rollouts make and remove, as `bluegreen ab` does: all before the route's own `priority`, and best right before it. null: none, and such rollouts are refused."
  type        = object({ first = number, last = number })
  default     = null

  validation {
    condition = try(
      var.reserved_priorities.first >= 1 && var.reserved_priorities.first <= var.reserved_priorities.last
      && floor(var.reserved_priorities.first) == var.reserved_priorities.first
      && floor(var.reserved_priorities.last) == var.reserved_priorities.last, var.reserved_priorities == null
    )
    error_message = "Write reserved_priorities.first and last as whole numbers from 1, first not above last, such as { first = 90, last = 94 }."
  }

  validation {
    condition     = try(var.reserved_priorities.last < var.priority, var.reserved_priorities == null)
    error_message = "Write reserved_priorities below the route's own priority: the lowest number that matches wins."
  }

  validation {
    condition = try(alltrue([
      for priority in values(try(coalesce(var.test_routes.priorities), { blue = var.priority - 2, green = var.priority - 1 })) :
      priority < var.reserved_priorities.first || priority > var.reserved_priorities.last
    ]), true) || var.test_routes == null
    error_message = "Write reserved_priorities that leave out those of the test routes, by default the two numbers before the route's own."
  }
}

# "Condition types for listener rules" and "Quotas for your Application Load Balancers", ELB user guide.
variable "conditions" {
  description = "Which requests take the route: all of the kinds given must match, one value of each suffices. At most five values in all."
  type = object({
    path_patterns = optional(list(string), [])
    host_headers  = optional(list(string), [])
    http_headers  = optional(list(object({ name = string, values = list(string) })), [])
    query_strings = optional(list(object({ key = optional(string), value = string })), [])
    source_ips    = optional(list(string), [])
    methods       = optional(list(string), [])
  })
  default  = { path_patterns = ["/*"] }
  nullable = false

  validation {
    condition = anytrue([
      for values in [
        var.conditions.path_patterns, var.conditions.host_headers, var.conditions.source_ips, var.conditions.methods,
        [for header in var.conditions.http_headers : header.name], [for query in var.conditions.query_strings : query.value],
      ] : length(values) > 0
    ])
    error_message = "Write at least one condition; path_patterns = [\"/*\"] matches every request."
  }

  validation {
    condition = length(concat(
      var.conditions.path_patterns, var.conditions.host_headers, var.conditions.source_ips, var.conditions.methods,
      flatten(var.conditions.http_headers[*].values), var.conditions.query_strings[*].value,
    )) <= 5
    error_message = "Write at most five condition values in all: a rule of an Application Load Balancer takes no more. Split the rest into a second route."
  }

  validation {
    condition     = alltrue([for pattern in var.conditions.path_patterns : can(regex("^[/*?][A-Za-z0-9_.$/~\"'@:+&*?-]{0,127}$", pattern))])
    error_message = "Write each of path_patterns with 1 to 128 characters, beginning with \"/\" or a wildcard, out of letters, digits, _-.$/~\"'@:+& and the wildcards * and ?, such as \"/api/*\"."
  }

  validation {
    condition     = alltrue([for host in var.conditions.host_headers : can(regex("^[A-Za-z0-9.*?-]{1,128}$", host))])
    error_message = "Write each of host_headers as a host name of 1 to 128 characters without port, such as \"*.example.com\"."
  }

  validation {
    condition = alltrue([
      for header in var.conditions.http_headers :
      can(regex("^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,40}$", header.name)) && length(header.values) > 0
      && alltrue([for value in header.values : length(value) >= 1 && length(value) <= 128])
    ])
    error_message = "Write each of http_headers with a name of 1 to 40 characters and at least one value of 1 to 128 characters."
  }

  validation {
    condition     = alltrue([for header in var.conditions.http_headers : lower(header.name) != "host"])
    error_message = "Write host_headers instead of an http_headers entry for \"Host\": AWS refuses the latter."
  }

  validation {
    condition = alltrue(flatten([
      for query in var.conditions.query_strings :
      [for text in [query.key == null ? "-" : query.key, query.value] : length(text) >= 1 && length(text) <= 128]
    ]))
    error_message = "Write each of query_strings with a value, and if any a key, of 1 to 128 characters."
  }

  validation {
    condition     = alltrue([for block in var.conditions.source_ips : can(cidrhost(block, 0))])
    error_message = "Write each of source_ips as a CIDR block, such as \"203.0.113.0/24\"; a single address takes \"/32\" (IPv6: \"/128\")."
  }

  validation {
    condition     = alltrue([for method in var.conditions.methods : can(regex("^[A-Z_-]{1,40}$", method))])
    error_message = "Write each of methods in capital letters, such as \"GET\"; wildcards are not taken."
  }
}

variable "stickiness" {
  description = "Target-group stickiness: how long a client stays on the color it met first. null: none. It beats weights: see the README."
  type        = object({ duration_seconds = number })
  default     = null

  # TargetGroupStickinessConfig, ELBv2 API reference.
  validation {
    condition = try(
      var.stickiness.duration_seconds >= 1 && var.stickiness.duration_seconds <= 604800
      && floor(var.stickiness.duration_seconds) == var.stickiness.duration_seconds, var.stickiness == null
    )
    error_message = "Write stickiness.duration_seconds as a whole number from 1 to 604800 (one week), or stickiness = null for none."
  }
}

# "Authenticate users using an Application Load Balancer", ELB user guide.
variable "authentication" {
  description = "An action before the forward that signs users in: `cognito` or `oidc`. It needs an HTTPS listener. null: none. The OIDC client's secret goes into `oidc_client_secret` and never into the contract."
  type = object({
    cognito = optional(object({
      user_pool_arn              = string
      user_pool_client_id        = string
      user_pool_domain           = string
      scope                      = optional(string, "openid")
      session_cookie_name        = optional(string, "AWSELBAuthSessionCookie")
      session_timeout_seconds    = optional(number, 604800)
      on_unauthenticated_request = optional(string, "authenticate")
    }))
    oidc = optional(object({
      issuer                     = string
      authorization_endpoint     = string
      token_endpoint             = string
      user_info_endpoint         = string
      client_id                  = string
      scope                      = optional(string, "openid")
      session_cookie_name        = optional(string, "AWSELBAuthSessionCookie")
      session_timeout_seconds    = optional(number, 604800)
      on_unauthenticated_request = optional(string, "authenticate")
    }))
  })
  default = null

  validation {
    condition     = var.authentication == null || (try(var.authentication.cognito, null) == null) != (try(var.authentication.oidc, null) == null)
    error_message = "Write either authentication.cognito or authentication.oidc: a rule signs users in once."
  }

  validation {
    condition = alltrue([
      for settings in [try(var.authentication.cognito, null), try(var.authentication.oidc, null)] : settings == null || try(
        settings.session_timeout_seconds >= 1 && settings.session_timeout_seconds <= 604800
        && floor(settings.session_timeout_seconds) == settings.session_timeout_seconds, false
      )
    ])
    error_message = "Write session_timeout_seconds as a whole number from 1 to 604800 (one week)."
  }

  validation {
    condition = alltrue([
      for settings in [try(var.authentication.cognito, null), try(var.authentication.oidc, null)] :
      settings == null || try(contains(["authenticate", "allow", "deny"], settings.on_unauthenticated_request), false)
    ])
    error_message = "Write on_unauthenticated_request as \"authenticate\", \"allow\" or \"deny\"."
  }

  validation {
    condition = try(var.authentication.cognito, null) == null || can(
      regex("^arn:[^:]+:cognito-idp:[^:]+:[0-9]{12}:userpool/", var.authentication.cognito.user_pool_arn)
    )
    error_message = "Write authentication.cognito.user_pool_arn as \"arn:aws:cognito-idp:<region>:<account>:userpool/<id>\"."
  }

  validation {
    condition = try(var.authentication.oidc, null) == null || alltrue([
      for url in [
        try(var.authentication.oidc.issuer, ""), try(var.authentication.oidc.authorization_endpoint, ""),
        try(var.authentication.oidc.token_endpoint, ""), try(var.authentication.oidc.user_info_endpoint, ""),
      ] : startswith(url, "https://")
    ])
    error_message = "Write issuer, authorization_endpoint, token_endpoint and user_info_endpoint of authentication.oidc as whole URLs that begin with \"https://\"."
  }
}

variable "oidc_client_secret" {
  description = "The secret of `authentication.oidc`'s client. It stands in the Terraform state, as the provider has no write-only form of it. null: none."
  type        = string
  default     = null
  sensitive   = true

  validation {
    condition     = (var.oidc_client_secret != null) == (try(var.authentication.oidc, null) != null)
    error_message = "Write oidc_client_secret exactly where authentication.oidc is written."
  }
}

variable "test_routes" {
  description = "Two more rules, one per color, that take what the route takes if the header `header_name` is there too, and forward it to that color alone, whatever the weights. Their `priorities` come before the route's; left out, they are the two numbers just before it. The values of the header go into `test_header_values`. null: none."
  type = object({
    header_name = optional(string, "x-bluegreen-color")
    priorities  = optional(object({ blue = number, green = number }))
  })
  default = null

  # A name of other characters is one that a load balancer with drop_invalid_header_fields removes.
  validation {
    condition = var.test_routes == null || (
      can(regex("^[A-Za-z0-9-]{1,40}$", var.test_routes.header_name)) && try(lower(var.test_routes.header_name) != "host", false)
    )
    error_message = "Write test_routes.header_name as 1 to 40 letters, digits and hyphens, such as \"x-bluegreen-color\", and not as \"Host\"."
  }

  validation {
    condition = var.test_routes == null || !contains(
      [for header in var.conditions.http_headers : lower(header.name)], try(lower(var.test_routes.header_name), "")
    )
    error_message = "Write a test_routes.header_name that conditions.http_headers does not ask for: one header would have to have two values."
  }

  # "Quotas for your Application Load Balancers", ELB user guide: condition values per rule.
  validation {
    condition = var.test_routes == null || length(concat(
      var.conditions.path_patterns, var.conditions.host_headers, var.conditions.source_ips, var.conditions.methods,
      flatten(var.conditions.http_headers[*].values), var.conditions.query_strings[*].value,
    )) <= 4
    error_message = "Write at most four condition values in all where there are test_routes: a rule takes five, and the header of a test route is one."
  }

  validation {
    condition = try(var.test_routes.priorities, null) == null || try(alltrue([
      for priority in values(var.test_routes.priorities) : priority >= 1 && priority < var.priority && floor(priority) == priority
    ]), false)
    error_message = "Write test_routes.priorities as whole numbers from 1 up that are smaller than priority: the route would else take the requests first."
  }

  validation {
    condition     = try(var.test_routes.priorities, null) == null || try(var.test_routes.priorities.blue != var.test_routes.priorities.green, false)
    error_message = "Write two different test_routes.priorities: a listener has one rule per priority."
  }

  validation {
    condition     = var.test_routes == null || try(var.test_routes.priorities, null) != null || var.priority >= 3
    error_message = "Write a priority of at least 3, or test_routes.priorities: the two rules of the test routes come before the route's."
  }
}

variable "test_header_values" {
  description = "What the header of `test_routes` says, per color. Whoever knows it sees the idle side, so make it long and random where that matters. It stands in the Terraform state and in the rules, and never in the contract. null: none."
  type        = object({ blue = string, green = string })
  default     = null
  sensitive   = true

  validation {
    condition     = (var.test_header_values != null) == (var.test_routes != null)
    error_message = "Write test_header_values exactly where test_routes is written."
  }

  # Values are patterns to an Application Load Balancer: with a wildcard in it a value would let in what it only resembles.
  validation {
    condition = var.test_header_values == null || try(alltrue([
      for value in values(var.test_header_values) : can(regex("^[!-~]{1,128}$", value)) && !can(regex("[*?\\\\]", value))
    ]), false)
    error_message = "Write each of test_header_values with 1 to 128 visible ASCII characters, without spaces, wildcards (* and ?) and backslashes."
  }

  validation {
    condition     = try(lower(var.test_header_values.blue) != lower(var.test_header_values.green), true)
    error_message = "Write two test_header_values that differ in more than capitals: a load balancer does not tell those apart, and one color would never be reached."
  }
}

variable "tags" {
  description = "Tags of the rule and of the listeners the module makes."
  type        = map(string)
  default     = {}
  nullable    = false
}
