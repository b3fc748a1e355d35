locals {
  colors = toset(["blue", "green"])
  grpc   = var.protocol_version == "GRPC"

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
  protocol_version = var.protocol_version
  target_type      = var.target_type

  deregistration_delay = var.deregistration_delay_seconds
  slow_start           = var.slow_start_seconds

  health_check {
    enabled             = true
    path                = coalesce(var.health_check.path, local.grpc ? "/AWS.ALB/healthcheck" : "/")
    port                = var.health_check.port
    protocol            = coalesce(var.health_check.protocol, var.protocol)
    matcher             = coalesce(var.health_check.matcher, local.grpc ? "12" : "200")
    interval            = var.health_check.interval_seconds
    timeout             = var.health_check.timeout_seconds
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
