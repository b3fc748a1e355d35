output "vpc_id" {
  description = "The VPC."
  value       = aws_vpc.this.id
}

output "subnet_ids" {
  description = "Two public subnets in two availability zones."
  value       = [for subnet in aws_subnet.this : subnet.id]
}

output "load_balancer_security_group_id" {
  description = "For the load balancer: lets requests in, and out to the targets."
  value       = aws_security_group.load_balancer.id
}

output "target_security_group_id" {
  description = "For the targets: lets the load balancer in and gives no way out; add the egress your workload needs."
  value       = aws_security_group.targets.id
}
