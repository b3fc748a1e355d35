output "target_groups" {
  description = "Per color `name`, `arn`, `arn_suffix` (the dimension of CloudWatch) and `protocol_version`: what `alb-route` and `deployment-contract` take."
  value = {
    for color, group in aws_lb_target_group.this : color => {
      name             = group.name
      arn              = group.arn
      arn_suffix       = group.arn_suffix
      protocol_version = var.protocol_version
    }
  }
}
