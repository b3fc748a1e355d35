output "target_groups" {
  description = "Per color `name`, `arn`, `arn_suffix` (the dimension of CloudWatch), `protocol`, `protocol_version` (null for TCP and TLS) and `target_type`: what `alb-route`, `nlb-route`, `asg-pair` and `deployment-contract` take."
  value = {
    for color, group in aws_lb_target_group.this : color => {
      name             = group.name
      arn              = group.arn
      arn_suffix       = group.arn_suffix
      protocol         = var.protocol
      protocol_version = local.protocol_version
      target_type      = var.target_type
    }
  }
}
