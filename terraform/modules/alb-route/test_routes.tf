locals {
  test_colors = toset(var.test_routes == null ? [] : local.colors)

  # Just before the route, so that no rule of another route comes between.
  test_priorities = try(coalesce(var.test_routes.priorities), { blue = var.priority - 2, green = var.priority - 1 })
}

# What the route takes, if the header is there too, goes to one color alone: there are no weights here that a release
# would change. So nothing is ignored, and an edit of conditions, authentication or header reaches these rules.
resource "aws_lb_listener_rule" "test" {
  for_each = local.test_colors

  listener_arn = local.listener_arn
  priority     = local.test_priorities[each.key]

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
    type             = "forward"
    order            = var.authentication == null ? 1 : 2
    target_group_arn = var.target_groups[each.key].arn
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

  condition {
    http_header {
      http_header_name = var.test_routes.header_name
      values           = [var.test_header_values[each.key]]
    }
  }

  tags = merge(var.tags, { Name = "${var.name}-${each.key}-test", "bluegreen:color" = each.key })
}
