output "deployment" {
  description = "The deployment contract, as it also stands in the SSM parameter `/bluegreen/<name>/deployment`."
  value       = module.contract.deployment
}

output "url" {
  description = "Where the service answers."
  value       = "${local.https ? "https" : "http"}://${aws_lb.this.dns_name}:${local.listener_port}"
}

output "launch_templates" {
  description = "Per color the launch template, whose versions are the releases."
  value       = module.instances.launch_templates
}

output "role" {
  description = "The role of the instances, which who releases must be allowed to pass."
  value       = module.instances.role
}
