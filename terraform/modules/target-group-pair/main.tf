locals {
  colors = toset(["blue", "green"])

  # What is balanced: flows (a Network Load Balancer) or requests (an Application Load Balancer).
  flows            = contains(["TCP", "TLS"], var.protocol)
  protocol_version = local.flows ? null : coalesce(var.protocol_version, "HTTP1")
  grpc             = local.protocol_version == "GRPC"

  check_protocol = coalesce(var.health_check.protocol, local.flows ? "TCP" : var.protocol)
  check_by_http  = contains(["HTTP", "HTTPS"], local.check_protocol)
  check_path     = coalesce(var.health_check.path, local.grpc ? "/AWS.ALB/healthcheck" : "/")
  check_matcher  = coalesce(var.health_check.matcher, local.grpc ? "12" : local.flows ? "200-399" : "200")
  check_timeout  = !local.flows ? 5 : local.check_protocol == "HTTP" ? 6 : 10

  targets = merge([
    for color, targets in var.targets : {
      for key, target in targets : "${color}/${key}" => merge(target, { color = color })
    }
  ]...)
}

# Port, protocol, type, VPC and name of a target group cannot be changed in place. Terraform replaces it
# then, and AWS refuses while a route forwards to it (ResourceInUse): build a second pair beside this one.
resource "aws_lb_target_group" "this" {
  for_each = local.colors

  name             = "${var.name}-${each.key}"
  vpc_id           = var.vpc_id
  port             = var.port
  protocol         = var.protocol
  protocol_version = local.protocol_version
  target_type      = var.target_type

  deregistration_delay = var.deregistration_delay_seconds
  slow_start           = var.slow_start_seconds

  connection_termination = local.flows ? var.connection_termination : null
  preserve_client_ip     = var.preserve_client_ip
  proxy_protocol_v2      = var.proxy_protocol_v2

  health_check {
    enabled             = true
    path                = local.check_by_http ? local.check_path : null
    port                = var.health_check.port
    protocol            = local.check_protocol
    matcher             = local.check_by_http ? local.check_matcher : null
    interval            = var.health_check.interval_seconds
    timeout             = coalesce(var.health_check.timeout_seconds, min(local.check_timeout, var.health_check.interval_seconds - 1))
    healthy_threshold   = var.health_check.healthy_threshold
    unhealthy_threshold = var.health_check.unhealthy_threshold
  }

  tags = merge(var.tags, { Name = "${var.name}-${each.key}", "bluegreen:color" = each.key })
}

resource "aws_lb_target_group_attachment" "this" {
  for_each = local.targets

  target_group_arn  = aws_lb_target_group.this[each.value.color].arn
  target_id         = each.value.id
  port              = coalesce(each.value.port, var.port)
  availability_zone = each.value.availability_zone
}
