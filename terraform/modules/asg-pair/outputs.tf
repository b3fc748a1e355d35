output "workload" {
  description = "The Auto Scaling groups by name, in the deployment contract's words: goes into `workload` of `deployment-contract` as it is."
  value = {
    kind   = "asg"
    groups = { for color, group in aws_autoscaling_group.this : color => group.name }
  }
}

output "launch_templates" {
  description = "Per color `id`, `name` and `arn` of the launch template. No version: each release makes one, and every plan would tell of it."
  value = {
    for color, template in aws_launch_template.this : color => {
      id   = template.id
      name = template.name
      arn  = template.arn
    }
  }
}

output "role" {
  description = "Name and ARN of the instances' role. Who releases must be allowed to pass it (`iam:PassRole`)."
  value = {
    name = aws_iam_role.this.name
    arn  = aws_iam_role.this.arn
  }
}

output "security_group_id" {
  description = "The security group of the instances, for rules of your own."
  value       = aws_security_group.this.id
}
