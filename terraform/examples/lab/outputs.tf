output "deployment" {
  description = "The deployment contract, as it also stands in the SSM parameter `/bluegreen/<name>/deployment`."
  value       = module.contract.deployment
}
