locals {
  colors    = ["blue", "green"]
  https     = try(var.listener.protocol, null) == "HTTPS"
  own_port  = try(coalesce(var.listener.port, local.https ? 443 : 80), null)
  listeners = var.listener == null ? {} : { own = var.listener }
  redirects = try(var.listener.redirect_http_port, null) == null ? {} : { own = var.listener }

  plain_http1 = alltrue([for group in values(var.target_groups) : group.protocol_version == "HTTP1"])
  needs_https = var.authentication != null || !local.plain_http1

  cognito = try(var.authentication.cognito, null)
  oidc    = try(var.authentication.oidc, null)

  listener_protocol = var.listener == null ? try(data.aws_lb_listener.given["given"].protocol, null) : var.listener.protocol
  listener_arn      = var.listener == null ? var.listener_arn : aws_lb_listener.this["own"].arn
}

# Asked only where the answer decides: see the preconditions of the rule.
data "aws_lb_listener" "given" {
  for_each = toset(var.listener == null && local.needs_https ? ["given"] : [])

  arn = var.listener_arn
}

resource "aws_lb_listener" "this" {
  # checkov:skip=CKV_AWS_2: whether it is HTTPS is the caller's to say (listener.protocol), as is a redirect to it.
  # checkov:skip=CKV_AWS_103: the policy is TLS 1.2 and 1.3 unless the caller names another; the check does not resolve the expression.
  for_each = local.listeners

  load_balancer_arn = each.value.load_balancer_arn
  port              = local.own_port
  protocol          = each.value.protocol
  certificate_arn   = each.value.certificate_arn
  ssl_policy        = local.https ? coalesce(each.value.ssl_policy, "ELBSecurityPolicy-TLS13-1-2-2021-06") : null

  # Only what no rule matches comes here. The weights stand in the rule below, never in this action.
  default_action {
    type = "fixed-response"

    fixed_response {
      content_type = "text/plain"
      message_body = each.value.unmatched_status == 404 ? "No route matches this request.\n" : "Service unavailable.\n"
      status_code  = tostring(each.value.unmatched_status)
    }
  }

  tags = merge(var.tags, { Name = var.name })
}

resource "aws_lb_listener" "redirect" {
  for_each = local.redirects

  load_balancer_arn = each.value.load_balancer_arn
  port              = each.value.redirect_http_port
  protocol          = "HTTP"

  default_action {
    type = "redirect"

    redirect {
      protocol    = "HTTPS"
      port        = tostring(local.own_port)
      status_code = "HTTP_301"
    }
  }

  tags = merge(var.tags, { Name = "${var.name}-redirect" })
}

resource "aws_lb_listener_rule" "this" {
  listener_arn = local.listener_arn
  priority     = var.priority

  dynamic "action" {
    for_each = local.cognito[*]

    content {
      type  = "authenticate-cognito"
      order = 1

      authenticate_cognito {
        user_pool_arn              = action.value.user_pool_arn
        user_pool_client_id        = action.value.user_pool_client_id
        user_pool_domain           = action.value.user_pool_domain
        scope                      = action.value.scope
        session_cookie_name        = action.value.session_cookie_name
        session_timeout            = action.value.session_timeout_seconds
        on_unauthenticated_request = action.value.on_unauthenticated_request
      }
    }
  }

  dynamic "action" {
    for_each = local.oidc[*]

    content {
      type  = "authenticate-oidc"
      order = 1

      authenticate_oidc {
        issuer                     = action.value.issuer
        authorization_endpoint     = action.value.authorization_endpoint
        token_endpoint             = action.value.token_endpoint
        user_info_endpoint         = action.value.user_info_endpoint
        client_id                  = action.value.client_id
        client_secret              = var.oidc_client_secret
        scope                      = action.value.scope
        session_cookie_name        = action.value.session_cookie_name
        session_timeout            = action.value.session_timeout_seconds
        on_unauthenticated_request = action.value.on_unauthenticated_request
      }
    }
  }

  action {
    type  = "forward"
    order = var.authentication == null ? 1 : 2

    forward {
      dynamic "target_group" {
        for_each = local.colors

        content {
          arn    = var.target_groups[target_group.value].arn
          weight = target_group.value == var.initial_color ? 100 : 0
        }
      }

      dynamic "stickiness" {
        for_each = var.stickiness[*]

        content {
          enabled  = true
          duration = stickiness.value.duration_seconds
        }
      }
    }
  }

  dynamic "condition" {
    for_each = length(var.conditions.path_patterns) > 0 ? [var.conditions.path_patterns] : []

    content {
      path_pattern {
        values = condition.value
      }
    }
  }

  dynamic "condition" {
    for_each = length(var.conditions.host_headers) > 0 ? [var.conditions.host_headers] : []

    content {
      host_header {
        values = condition.value
      }
    }
  }

  dynamic "condition" {
    for_each = var.conditions.http_headers

    content {
      http_header {
        http_header_name = condition.value.name
        values           = condition.value.values
      }
    }
  }

  dynamic "condition" {
    for_each = length(var.conditions.query_strings) > 0 ? [var.conditions.query_strings] : []

    content {
      dynamic "query_string" {
        for_each = condition.value

        content {
          key   = query_string.value.key
          value = query_string.value.value
        }
      }
    }
  }

  dynamic "condition" {
    for_each = length(var.conditions.source_ips) > 0 ? [var.conditions.source_ips] : []

    content {
      source_ip {
        values = condition.value
      }
    }
  }

  dynamic "condition" {
    for_each = length(var.conditions.methods) > 0 ? [var.conditions.methods] : []

    content {
      http_request_method {
        values = condition.value
      }
    }
  }

  tags = merge(var.tags, { Name = var.name })

  lifecycle {
    # The weights change outside of Terraform with every release. They cannot be ignored alone: target_group
    # is a set (hashicorp/terraform-provider-aws#43905), and ignoring only the set reverts the live weights
    # as soon as anything else of the action changes in a saved plan. So the whole action is ignored, and
    # conditions, priority and tags stay managed. What follows from it stands in the README.
    ignore_changes = [action]

    precondition {
      condition     = var.authentication == null || coalesce(local.listener_protocol, "-") == "HTTPS"
      error_message = "Authentication needs an HTTPS listener: AWS refuses authenticate actions on HTTP. Write listener.protocol = \"HTTPS\", or give the ARN of an HTTPS listener."
    }

    # "Target groups for your Application Load Balancers", section "Protocol versions", ELB user guide.
    precondition {
      condition     = local.plain_http1 || coalesce(local.listener_protocol, "-") == "HTTPS"
      error_message = "Target groups of protocol version HTTP2 or GRPC need an HTTPS listener. Write listener.protocol = \"HTTPS\", or protocol_version = \"HTTP1\" in the pair."
    }

    precondition {
      condition     = local.plain_http1 || var.authentication == null
      error_message = "Target groups of protocol version HTTP2 or GRPC take forward actions only. Leave authentication out, or write protocol_version = \"HTTP1\" in the pair."
    }
  }
}
