# What AWS would refuse at apply is refused in the plan.
mock_provider "aws" {
  override_during = plan

  mock_resource "aws_lb_listener" {
    defaults = { arn = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:listener/app/web/50dc6c495c0c9188/f2f7dc8efc522ab2" }
  }

  mock_data "aws_lb_listener" {
    defaults = { protocol = "HTTP" }
  }
}

variables {
  name         = "web"
  listener_arn = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:listener/app/web/50dc6c495c0c9188/f2f7dc8efc522ab2"

  target_groups = {
    blue  = { arn = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/web-blue/73e2d6bc24d8a067" }
    green = { arn = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/web-green/09966783158cda59" }
  }
}

run "http2_needs_an_https_listener_of_its_own" {
  command = plan

  variables {
    listener_arn = null
    listener = {
      load_balancer_arn = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:loadbalancer/app/web/50dc6c495c0c9188"
    }
    target_groups = {
      blue  = { arn = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/web-blue/73e2d6bc24d8a067", protocol_version = "HTTP2" }
      green = { arn = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/web-green/09966783158cda59", protocol_version = "HTTP2" }
    }
  }

  expect_failures = [aws_lb_listener_rule.this]
}

run "grpc_needs_a_given_listener_that_speaks_https" {
  command = plan

  variables {
    target_groups = {
      blue  = { arn = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/web-blue/73e2d6bc24d8a067", protocol_version = "GRPC" }
      green = { arn = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/web-green/09966783158cda59", protocol_version = "GRPC" }
    }
  }

  expect_failures = [aws_lb_listener_rule.this]
}

run "authentication_needs_an_https_listener_of_its_own" {
  command = plan

  variables {
    listener_arn = null
    listener = {
      load_balancer_arn = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:loadbalancer/app/web/50dc6c495c0c9188"
    }
    authentication = {
      cognito = {
        user_pool_arn       = "arn:aws:cognito-idp:eu-central-1:123456789012:userpool/eu-central-1_web"
        user_pool_client_id = "client"
        user_pool_domain    = "web"
      }
    }
  }

  expect_failures = [aws_lb_listener_rule.this]
}

run "authentication_needs_a_given_listener_that_speaks_https" {
  command = plan

  variables {
    authentication = {
      cognito = {
        user_pool_arn       = "arn:aws:cognito-idp:eu-central-1:123456789012:userpool/eu-central-1_web"
        user_pool_client_id = "client"
        user_pool_domain    = "web"
      }
    }
  }

  expect_failures = [aws_lb_listener_rule.this]
}

run "authentication_does_not_go_with_grpc" {
  command = plan

  variables {
    listener_arn = null
    listener = {
      load_balancer_arn = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:loadbalancer/app/web/50dc6c495c0c9188"
      protocol          = "HTTPS"
      certificate_arn   = "arn:aws:acm:eu-central-1:123456789012:certificate/0b6d0a3c"
    }
    target_groups = {
      blue  = { arn = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/web-blue/73e2d6bc24d8a067", protocol_version = "GRPC" }
      green = { arn = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/web-green/09966783158cda59", protocol_version = "GRPC" }
    }
    authentication = {
      cognito = {
        user_pool_arn       = "arn:aws:cognito-idp:eu-central-1:123456789012:userpool/eu-central-1_web"
        user_pool_client_id = "client"
        user_pool_domain    = "web"
      }
    }
  }

  expect_failures = [aws_lb_listener_rule.this]
}
