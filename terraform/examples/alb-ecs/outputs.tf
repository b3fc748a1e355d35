output "deployment" {
  description = "The deployment contract, as it also stands in the SSM parameter `/bluegreen/<name>/deployment`."
  value       = module.contract.deployment
}

output "url" {
  description = "Where the service answers."
  value       = "${local.https ? "https" : "http"}://${aws_lb.this.dns_name}:${local.listener_port}"
}

output "task_definition" {
  description = "The newest revision that Terraform made, `<family>:<revision>`; what a color runs, `bluegreen status` says."
  value       = module.services.task_definition.revision
}

output "roles" {
  description = "The roles of the tasks; an operator needs `iam:PassRole` for both."
  value       = module.services.roles
}
