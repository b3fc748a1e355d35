output "route" {
  description = "The route in the deployment contract's words: goes into `routes` of `deployment-contract` as it is."
  value = {
    name         = var.name
    kind         = "nlb-listener"
    arn          = aws_lb_listener.this.arn
    listener_arn = aws_lb_listener.this.arn
    # A client's flows stay where they are by themselves; there is no cookie that could bring new ones back.
    stickiness        = { enabled = false, duration_seconds = null }
    preceding_actions = []
  }
}
