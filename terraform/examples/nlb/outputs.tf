output "deployment" {
  description = "The deployment contract, as it also stands in the SSM parameter `/bluegreen/<name>/deployment`."
  value       = module.contract.deployment
}

output "target_security_group_id" {
  description = "For the targets: lets the load balancer in."
  value       = module.network.target_security_group_id
}

output "subnet_ids" {
  description = "The subnets, for the targets."
  value       = module.network.subnet_ids
}
