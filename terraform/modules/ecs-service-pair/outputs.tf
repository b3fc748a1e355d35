output "workload" {
  description = "The pair in the deployment contract's words: goes into `workload` of `deployment-contract` as it is."
  value = {
    kind      = "ecs"
    cluster   = local.cluster_name
    services  = { for color, service in aws_ecs_service.this : color => service.name }
    container = var.container.name
  }
}

output "task_definition" {
  description = "Family, newest revision made by Terraform (`<family>:<revision>`, what `bluegreen deploy --task-definition` takes) and its ARN. A color may run another one."
  value = {
    family   = aws_ecs_task_definition.this.family
    revision = "${aws_ecs_task_definition.this.family}:${aws_ecs_task_definition.this.revision}"
    arn      = aws_ecs_task_definition.this.arn
  }
}

output "log_group" {
  description = "Name and ARN of the log group of both colors."
  value = {
    name = aws_cloudwatch_log_group.this.name
    arn  = aws_cloudwatch_log_group.this.arn
  }
}

output "roles" {
  description = "Name and ARN of the roles `execution` and `task`; the operator's policy needs `iam:PassRole` for both."
  value       = { for kind, role in aws_iam_role.this : kind => { name = role.name, arn = role.arn } }
}

output "security_group_id" {
  description = "The tasks' security group, for the rules of what they reach, such as a database."
  value       = aws_security_group.tasks.id
}
