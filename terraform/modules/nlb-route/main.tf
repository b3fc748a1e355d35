locals {
  colors = ["blue", "green"]
  tls    = var.protocol == "TLS"
}

# A Network Load Balancer has no rules: the listener itself holds the weights, in its default action.
resource "aws_lb_listener" "this" {
  load_balancer_arn        = var.load_balancer_arn
  port                     = var.port
  protocol                 = var.protocol
  certificate_arn          = var.certificate_arn
  ssl_policy               = local.tls ? coalesce(var.ssl_policy, "ELBSecurityPolicy-TLS13-1-2-2021-06") : null
  alpn_policy              = var.alpn_policy
  tcp_idle_timeout_seconds = var.tcp_idle_timeout_seconds

  default_action {
    type = "forward"

    forward {
      dynamic "target_group" {
        for_each = local.colors

        content {
          arn    = var.target_groups[target_group.value].arn
          weight = target_group.value == var.initial_color ? 100 : 0
        }
      }
    }
  }

  tags = merge(var.tags, { Name = var.name })

  lifecycle {
    # The weights change outside of Terraform with every release. As in alb-route the whole action is ignored, for
    # the weights cannot be ignored alone; port, protocol, certificate, policies and tags stay managed.
    ignore_changes = [default_action]
  }
}
