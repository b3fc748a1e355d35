output "deployment" {
  description = "The deployment contract, schema 1: the one object that Terraform and the toolkit share."
  value       = local.deployment
}

output "parameter" {
  description = "Name and ARN of the SSM parameter that holds the same object as JSON, for the operator's policy (`ssm:GetParameter`)."
  value = {
    name = aws_ssm_parameter.deployment.name
    arn  = aws_ssm_parameter.deployment.arn
  }
}
