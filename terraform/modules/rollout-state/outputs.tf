output "state_table" {
  description = "Name and ARN, in the deployment contract's words: goes into `state_table` of `deployment-contract` as it is."
  value = {
    name = aws_dynamodb_table.this.name
    arn  = aws_dynamodb_table.this.arn
  }
}
