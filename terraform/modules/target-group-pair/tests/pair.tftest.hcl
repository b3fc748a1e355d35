# The pair as ELBv2 gets it, and the contract's words for it.
mock_provider "aws" {
  override_during = plan

  mock_resource "aws_lb_target_group" {
    defaults = {
      arn        = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/web-blue/73e2d6bc24d8a067"
      arn_suffix = "targetgroup/web-blue/73e2d6bc24d8a067"
    }
  }

  override_resource {
    target = aws_lb_target_group.this["green"]
    values = {
      arn        = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/web-green/09966783158cda59"
      arn_suffix = "targetgroup/web-green/09966783158cda59"
    }
  }
}

variables {
  name   = "web"
  vpc_id = "vpc-0123456789abcdef0"
  port   = 8080
}

run "defaults" {
  command = plan

  assert {
    condition = alltrue([
      for color in ["blue", "green"] :
      aws_lb_target_group.this[color].name == "web-${color}" && aws_lb_target_group.this[color].tags["bluegreen:color"] == color
    ])
    error_message = "The colors stand in the names and the tags."
  }

  assert {
    condition = alltrue([
      for group in values(aws_lb_target_group.this) :
      group.protocol == "HTTP" && group.protocol_version == "HTTP1" && group.target_type == "ip" && group.port == 8080
      && group.vpc_id == "vpc-0123456789abcdef0" && tonumber(group.deregistration_delay) == 300 && group.slow_start == 0
    ])
    error_message = "Both sides are HTTP/1.1 to addresses, with AWS's delay of 300 s and no slow start."
  }

  assert {
    condition = alltrue([
      for check in [for group in values(aws_lb_target_group.this) : one(group.health_check)] :
      check.path == "/" && check.port == "traffic-port" && check.protocol == "HTTP" && check.matcher == "200"
      && check.interval == 30 && check.timeout == 5 && check.healthy_threshold == 5 && check.unhealthy_threshold == 2
    ])
    error_message = "The health check has AWS's defaults."
  }

  assert {
    condition     = length(aws_lb_target_group_attachment.this) == 0
    error_message = "Unless told otherwise, Terraform registers no targets."
  }

  assert {
    condition = output.target_groups == {
      blue = {
        name             = "web-blue"
        arn              = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/web-blue/73e2d6bc24d8a067"
        arn_suffix       = "targetgroup/web-blue/73e2d6bc24d8a067"
        protocol         = "HTTP"
        protocol_version = "HTTP1"
        target_type      = "ip"
      }
      green = {
        name             = "web-green"
        arn              = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/web-green/09966783158cda59"
        arn_suffix       = "targetgroup/web-green/09966783158cda59"
        protocol         = "HTTP"
        protocol_version = "HTTP1"
        target_type      = "ip"
      }
    }
    error_message = "target_groups is what alb-route and deployment-contract take."
  }
}

run "everything_told" {
  command = plan

  variables {
    protocol                     = "HTTPS"
    protocol_version             = "HTTP2"
    deregistration_delay_seconds = 5
    slow_start_seconds           = 30
    tags                         = { team = "web" }

    health_check = {
      path                = "/healthz"
      port                = "9000"
      protocol            = "HTTP"
      matcher             = "200-299,301"
      interval_seconds    = 5
      timeout_seconds     = 2
      healthy_threshold   = 2
      unhealthy_threshold = 3
    }
  }

  assert {
    condition = alltrue([
      for group in values(aws_lb_target_group.this) :
      group.protocol == "HTTPS" && group.protocol_version == "HTTP2" && tonumber(group.deregistration_delay) == 5
      && group.slow_start == 30 && group.tags["team"] == "web"
    ])
    error_message = "Both sides have what was told."
  }

  assert {
    condition = alltrue([
      for check in [for group in values(aws_lb_target_group.this) : one(group.health_check)] :
      check.path == "/healthz" && check.port == "9000" && check.protocol == "HTTP" && check.matcher == "200-299,301"
      && check.interval == 5 && check.timeout == 2 && check.healthy_threshold == 2 && check.unhealthy_threshold == 3
    ])
    error_message = "The health check has what was told."
  }
}

run "grpc_is_checked_in_its_own_way" {
  command = plan

  variables {
    protocol_version = "GRPC"
  }

  assert {
    condition     = one(aws_lb_target_group.this["blue"].health_check).path == "/AWS.ALB/healthcheck" && one(aws_lb_target_group.this["blue"].health_check).matcher == "12"
    error_message = "gRPC has a path and a code of its own."
  }
}

run "targets_stand_on_their_side" {
  command = plan

  variables {
    targets = {
      blue  = { one = { id = "10.0.1.11" } }
      green = { one = { id = "10.0.1.11", port = 8081 }, far = { id = "192.168.7.7", availability_zone = "all" } }
    }
  }

  assert {
    condition = { for key, target in aws_lb_target_group_attachment.this : key => "${target.target_id}:${target.port}" } == {
      "blue/one"  = "10.0.1.11:8080"
      "green/one" = "10.0.1.11:8081"
      "green/far" = "192.168.7.7:8080"
    }
    error_message = "Each target is registered on its side, at its own port or the pair's."
  }

  assert {
    condition = (
      aws_lb_target_group_attachment.this["blue/one"].target_group_arn == aws_lb_target_group.this["blue"].arn
      && aws_lb_target_group_attachment.this["green/one"].target_group_arn == aws_lb_target_group.this["green"].arn
      && aws_lb_target_group_attachment.this["green/far"].availability_zone == "all"
    )
    error_message = "Each target is registered with its color's group."
  }
}

run "instances_are_targets_too" {
  command = plan

  variables {
    target_type = "instance"
    targets     = { blue = { one = { id = "i-0123456789abcdef0" } } }
  }

  assert {
    condition     = aws_lb_target_group_attachment.this["blue/one"].target_id == "i-0123456789abcdef0"
    error_message = "An instance is registered by its ID."
  }

  assert {
    condition     = alltrue([for group in values(output.target_groups) : group.target_type == "instance"])
    error_message = "The output says how targets are registered, so that asg-pair can tell whether it fits."
  }
}

run "flows_are_checked_by_connecting" {
  command = plan

  variables {
    protocol = "TCP"
  }

  assert {
    condition = alltrue([
      for group in values(aws_lb_target_group.this) :
      group.protocol == "TCP" && !group.connection_termination && !group.proxy_protocol_v2 && group.slow_start == 0
      && tonumber(group.deregistration_delay) == 300
    ])
    error_message = "Both sides are TCP, and a deregistration closes no flow."
  }

  assert {
    condition = alltrue([
      for check in [for group in values(aws_lb_target_group.this) : one(group.health_check)] :
      check.protocol == "TCP" && check.port == "traffic-port" && check.interval == 30 && check.timeout == 10
      && check.healthy_threshold == 5 && check.unhealthy_threshold == 2
    ])
    error_message = "The health check has AWS's defaults for a Network Load Balancer."
  }

  assert {
    condition     = alltrue([for group in values(output.target_groups) : group.protocol == "TCP" && group.protocol_version == null])
    error_message = "A pair for flows has no protocol version."
  }
}

run "everything_told_of_flows" {
  command = plan

  variables {
    protocol                     = "TLS"
    deregistration_delay_seconds = 60
    connection_termination       = true
    preserve_client_ip           = true
    proxy_protocol_v2            = true
    health_check                 = { protocol = "HTTP", path = "/healthz", matcher = "200-599", interval_seconds = 10 }
  }

  assert {
    condition = alltrue([
      for group in values(aws_lb_target_group.this) :
      group.protocol == "TLS" && group.connection_termination && tobool(group.preserve_client_ip) && group.proxy_protocol_v2
    ])
    error_message = "Both sides have what was told."
  }

  assert {
    condition = alltrue([
      for check in [for group in values(aws_lb_target_group.this) : one(group.health_check)] :
      check.protocol == "HTTP" && check.path == "/healthz" && check.matcher == "200-599" && check.interval == 10 && check.timeout == 6
    ])
    error_message = "Flows may be checked by HTTP."
  }
}

run "a_timeout_left_out_fits_the_interval" {
  command = plan

  variables {
    protocol     = "TCP"
    health_check = { protocol = "HTTPS", interval_seconds = 5 }
  }

  assert {
    condition = alltrue([
      for check in [for group in values(aws_lb_target_group.this) : one(group.health_check)] :
      check.protocol == "HTTPS" && check.path == "/" && check.matcher == "200-399" && check.timeout == 4
    ])
    error_message = "The timeout is just below an interval that is shorter than AWS's default for it."
  }
}
