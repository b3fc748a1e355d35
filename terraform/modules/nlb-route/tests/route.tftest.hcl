# The listener as ELBv2 gets it, and the contract's words for it.
mock_provider "aws" {
  override_during = plan

  mock_resource "aws_lb_listener" {
    defaults = { arn = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:listener/net/web/f07e6b5d4c3a2918/0a1b2c3d4e5f6071" }
  }
}

variables {
  name              = "web"
  load_balancer_arn = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:loadbalancer/net/web/f07e6b5d4c3a2918"
  port              = 443

  target_groups = {
    blue  = { arn = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/web-blue/73e2d6bc24d8a067" }
    green = { arn = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/web-green/09966783158cda59" }
  }
}

run "defaults" {
  command = plan

  assert {
    condition = { for group in one(one(aws_lb_listener.this.default_action).forward).target_group : group.arn => group.weight } == {
      (var.target_groups.blue.arn)  = 100
      (var.target_groups.green.arn) = 0
    }
    error_message = "Both groups are attached from the first apply, and blue has the traffic."
  }

  assert {
    condition     = one(aws_lb_listener.this.default_action).type == "forward" && length(one(one(aws_lb_listener.this.default_action).forward).stickiness) == 0
    error_message = "The default action forwards, without stickiness."
  }

  assert {
    condition = (
      aws_lb_listener.this.protocol == "TCP" && aws_lb_listener.this.port == 443 && aws_lb_listener.this.tags["Name"] == "web"
      && aws_lb_listener.this.load_balancer_arn == var.load_balancer_arn && aws_lb_listener.this.certificate_arn == null
    )
    error_message = "The listener passes TCP on."
  }

  assert {
    condition = jsonencode(output.route) == jsonencode({
      name              = "web"
      kind              = "nlb-listener"
      arn               = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:listener/net/web/f07e6b5d4c3a2918/0a1b2c3d4e5f6071"
      listener_arn      = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:listener/net/web/f07e6b5d4c3a2918/0a1b2c3d4e5f6071"
      stickiness        = { enabled = false, duration_seconds = null }
      preceding_actions = []
    })
    error_message = "route is what deployment-contract takes."
  }
}

run "green_may_come_first" {
  command = plan

  variables {
    initial_color            = "green"
    tcp_idle_timeout_seconds = 3600
    tags                     = { team = "web" }
  }

  assert {
    condition = { for group in one(one(aws_lb_listener.this.default_action).forward).target_group : group.arn => group.weight } == {
      (var.target_groups.blue.arn)  = 0
      (var.target_groups.green.arn) = 100
    }
    error_message = "The initial color has all the traffic."
  }

  assert {
    condition     = aws_lb_listener.this.tcp_idle_timeout_seconds == 3600 && aws_lb_listener.this.tags["team"] == "web"
    error_message = "The listener has what was told."
  }
}

run "tls_has_a_certificate_and_a_policy" {
  command = plan

  variables {
    protocol        = "TLS"
    certificate_arn = "arn:aws:acm:eu-central-1:123456789012:certificate/0b6d0a3c"
    alpn_policy     = "HTTP2Preferred"
  }

  assert {
    condition = (
      aws_lb_listener.this.protocol == "TLS" && aws_lb_listener.this.certificate_arn == var.certificate_arn
      && aws_lb_listener.this.ssl_policy == "ELBSecurityPolicy-TLS13-1-2-2021-06" && aws_lb_listener.this.alpn_policy == "HTTP2Preferred"
    )
    error_message = "The listener ends TLS 1.2 and 1.3 with the certificate."
  }
}

run "tls_may_go_on_to_the_targets" {
  command = plan

  variables {
    protocol        = "TLS"
    certificate_arn = "arn:aws:acm:eu-central-1:123456789012:certificate/0b6d0a3c"
    ssl_policy      = "ELBSecurityPolicy-TLS13-1-3-2021-06"
    target_groups = {
      blue  = { arn = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/web-blue/73e2d6bc24d8a067", protocol = "TLS" }
      green = { arn = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/web-green/09966783158cda59", protocol = "TLS" }
    }
  }

  assert {
    condition     = aws_lb_listener.this.ssl_policy == "ELBSecurityPolicy-TLS13-1-3-2021-06"
    error_message = "The policy is the one that was told."
  }
}
