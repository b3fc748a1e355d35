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
    reserved_priorities = var.reserved_priorities
  }
}

output "test_routes" {
  description = "The rules that reach one color alone, in the deployment contract's words and without the header's value: goes into `test_routes` of `deployment-contract`. Empty without the input `test_routes`."
  value = [
    for color in local.colors : {
      name         = "${var.name}-${color}-test"
      color        = color
      arn          = aws_lb_listener_rule.test[color].arn
      listener_arn = aws_lb_listener_rule.test[color].listener_arn
      header_name  = var.test_routes.header_name
    } if var.test_routes != null
  ]
}

output "listener_arn" {
  description = "The listener the route is on, for further routes of the same load balancer."
  value       = local.listener_arn
}
