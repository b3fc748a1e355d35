# A listener of the route's own: HTTP, HTTPS, redirect, and what may stand before the forward.
mock_provider "aws" {
  override_during = plan

  override_resource {
    target = aws_lb_listener.this["own"]
    values = { arn = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:listener/app/web/50dc6c495c0c9188/f2f7dc8efc522ab2" }
  }

  mock_resource "aws_lb_listener_rule" {
    defaults = { arn = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:listener-rule/app/web/50dc6c495c0c9188/f2f7dc8efc522ab2/9683b2d02a6cabee" }
  }

  mock_data "aws_lb_listener" {
    defaults = { protocol = "HTTPS" }
  }
}

variables {
  name = "web"

  target_groups = {
    blue  = { arn = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/web-blue/73e2d6bc24d8a067" }
    green = { arn = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/web-green/09966783158cda59" }
  }

}

run "http" {
  command = plan

  variables {
    listener = {
      load_balancer_arn = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:loadbalancer/app/web/50dc6c495c0c9188"
    }
  }

  assert {
    condition = (
      aws_lb_listener.this["own"].port == 80 && aws_lb_listener.this["own"].protocol == "HTTP"
      && aws_lb_listener.this["own"].certificate_arn == null && length(aws_lb_listener.redirect) == 0
    )
    error_message = "The listener speaks HTTP on port 80."
  }

  assert {
    condition     = one(aws_lb_listener.this["own"].default_action).type == "fixed-response" && one(one(aws_lb_listener.this["own"].default_action).fixed_response).status_code == "404"
    error_message = "What matches no rule gets a fixed 404; the default action holds no weights."
  }

  assert {
    condition     = output.listener_arn == aws_lb_listener.this["own"].arn && output.route.listener_arn == aws_lb_listener.this["own"].arn
    error_message = "The route is on its own listener."
  }
}

run "https_with_redirect" {
  command = plan

  variables {
    listener = {
      load_balancer_arn  = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:loadbalancer/app/web/50dc6c495c0c9188"
      protocol           = "HTTPS"
      certificate_arn    = "arn:aws:acm:eu-central-1:123456789012:certificate/0b6d0a3c"
      unmatched_status   = 503
      redirect_http_port = 80
    }
  }

  assert {
    condition = (
      aws_lb_listener.this["own"].port == 443 && aws_lb_listener.this["own"].protocol == "HTTPS"
      && aws_lb_listener.this["own"].certificate_arn == var.listener.certificate_arn
      && startswith(aws_lb_listener.this["own"].ssl_policy, "ELBSecurityPolicy-TLS13-1-2-")
    )
    error_message = "The listener speaks HTTPS on port 443, TLS 1.2 or newer."
  }

  assert {
    condition     = one(one(aws_lb_listener.this["own"].default_action).fixed_response).status_code == "503"
    error_message = "The status for what matches no rule can be told."
  }

  assert {
    condition = (
      aws_lb_listener.redirect["own"].port == 80 && aws_lb_listener.redirect["own"].protocol == "HTTP"
      && one(one(aws_lb_listener.redirect["own"].default_action).redirect).protocol == "HTTPS"
      && one(one(aws_lb_listener.redirect["own"].default_action).redirect).port == "443"
      && one(one(aws_lb_listener.redirect["own"].default_action).redirect).status_code == "HTTP_301"
    )
    error_message = "HTTP leads to HTTPS."
  }
}

run "ports_and_policy_can_be_told" {
  command = plan

  variables {
    listener = {
      load_balancer_arn  = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:loadbalancer/app/web/50dc6c495c0c9188"
      port               = 8443
      protocol           = "HTTPS"
      certificate_arn    = "arn:aws:acm:eu-central-1:123456789012:certificate/0b6d0a3c"
      ssl_policy         = "ELBSecurityPolicy-TLS13-1-3-2021-06"
      redirect_http_port = 8080
    }
  }

  assert {
    condition     = aws_lb_listener.this["own"].port == 8443 && aws_lb_listener.this["own"].ssl_policy == "ELBSecurityPolicy-TLS13-1-3-2021-06"
    error_message = "Port and policy are the given ones."
  }

  assert {
    condition     = aws_lb_listener.redirect["own"].port == 8080 && one(one(aws_lb_listener.redirect["own"].default_action).redirect).port == "8443"
    error_message = "The redirect leads to the listener's port."
  }
}

run "cognito_before_the_forward" {
  command = plan

  variables {
    listener_arn = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:listener/app/web/50dc6c495c0c9188/f2f7dc8efc522ab2"

    authentication = {
      cognito = {
        user_pool_arn       = "arn:aws:cognito-idp:eu-central-1:123456789012:userpool/eu-central-1_web"
        user_pool_client_id = "client"
        user_pool_domain    = "web"
      }
    }
  }

  assert {
    condition     = [for action in aws_lb_listener_rule.this.action : "${action.order} ${action.type}"] == ["1 authenticate-cognito", "2 forward"]
    error_message = "Users sign in before they are forwarded."
  }

  assert {
    condition = output.route.preceding_actions[0].type == "authenticate-cognito" && output.route.preceding_actions[0].settings == {
      user_pool_arn              = "arn:aws:cognito-idp:eu-central-1:123456789012:userpool/eu-central-1_web"
      user_pool_client_id        = "client"
      user_pool_domain           = "web"
      scope                      = "openid"
      session_cookie_name        = "AWSELBAuthSessionCookie"
      session_timeout_seconds    = "604800"
      on_unauthenticated_request = "authenticate"
    }
    error_message = "The contract says what precedes the forward."
  }
}

run "oidc_before_the_forward" {
  command = plan

  variables {
    oidc_client_secret = "never-in-the-contract"

    listener = {
      load_balancer_arn = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:loadbalancer/app/web/50dc6c495c0c9188"
      protocol          = "HTTPS"
      certificate_arn   = "arn:aws:acm:eu-central-1:123456789012:certificate/0b6d0a3c"
    }

    authentication = {
      oidc = {
        issuer                  = "https://id.example.com"
        authorization_endpoint  = "https://id.example.com/authorize"
        token_endpoint          = "https://id.example.com/token"
        user_info_endpoint      = "https://id.example.com/user"
        client_id               = "web"
        session_timeout_seconds = 3600
      }
    }
  }

  assert {
    condition     = one(aws_lb_listener_rule.this.action[0].authenticate_oidc).client_secret == "never-in-the-contract"
    error_message = "The load balancer gets the client's secret."
  }

  assert {
    condition     = !strcontains(jsonencode(output.route), "never-in-the-contract") && output.route.preceding_actions[0].settings.session_timeout_seconds == "3600"
    error_message = "The contract has the settings without the secret."
  }
}
