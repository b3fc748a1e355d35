output "route" {
  description = "The route in the deployment contract's words: goes into `routes` of `deployment-contract` as it is."
  value = {
    name         = var.name
    kind         = "alb-rule"
    arn          = aws_lb_listener_rule.this.arn
    listener_arn = aws_lb_listener_rule.this.listener_arn
    stickiness = {
      enabled          = var.stickiness != null
      duration_seconds = try(var.stickiness.duration_seconds, null)
    }
    preceding_actions = []
  }
}

output "listener_arn" {
  description = "The listener the route is on, for further routes of the same load balancer."
  value       = local.listener_arn
}
