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
    # Without the client's secret; a number becomes text, so that every value of the map is one.
    preceding_actions = [
      for type, settings in { authenticate-cognito = local.cognito, authenticate-oidc = local.oidc } : {
        type                                       = type
        order                                      = 1
        settings                                   = { for key, value in settings : key => tostring(value) }
      } if settings != null
    ]
  }
}

output "listener_arn" {
  description = "The listener the route is on, for further routes of the same load balancer."
  value       = local.listener_arn
}
