# The network of the examples.
mock_provider "aws" {
  override_during = plan

  mock_data "aws_availability_zones" {
    defaults = { names = ["eu-central-1a", "eu-central-1b", "eu-central-1c"] }
  }

  override_resource {
    target = aws_security_group.load_balancer
    values = { id = "sg-load-balancer" }
  }

  override_resource {
    target = aws_security_group.targets
    values = { id = "sg-targets" }
  }
}

variables {
  name = "web"
}

run "defaults" {
  command = plan

  assert {
    condition     = [for subnet in aws_subnet.this : subnet.cidr_block] == ["10.0.0.0/20", "10.0.16.0/20"]
    error_message = "The subnets are the first two sixteenths of the VPC."
  }

  assert {
    condition     = length(distinct([for subnet in aws_subnet.this : subnet.availability_zone])) == 2 && length(output.subnet_ids) == 2
    error_message = "A load balancer wants two availability zones."
  }

  assert {
    condition     = toset(keys(aws_vpc_security_group_ingress_rule.load_balancer)) == toset(["80/0.0.0.0/0", "443/0.0.0.0/0"])
    error_message = "By default HTTP and HTTPS come in from everywhere, and nothing else."
  }

  assert {
    condition = alltrue([
      for rule in values(aws_vpc_security_group_ingress_rule.targets) :
      rule.security_group_id == "sg-targets" && rule.referenced_security_group_id == "sg-load-balancer" && rule.from_port == 8080 && rule.to_port == 8080
    ])
    error_message = "Targets hear the load balancer alone, on the target port."
  }

  assert {
    condition = alltrue([
      for rule in values(aws_vpc_security_group_egress_rule.load_balancer) :
      rule.security_group_id == "sg-load-balancer" && rule.referenced_security_group_id == "sg-targets"
    ])
    error_message = "The load balancer speaks to targets alone."
  }

  assert {
    condition     = output.load_balancer_security_group_id == "sg-load-balancer" && output.target_security_group_id == "sg-targets"
    error_message = "Each output names its group."
  }
}

run "ports_and_origins" {
  command = plan

  variables {
    cidr_block          = "192.168.0.0/24"
    listener_ports      = [8000]
    ingress_cidr_blocks = ["203.0.113.0/24", "198.51.100.0/24"]
    target_ports        = [8080, 8081]
  }

  assert {
    condition     = toset(keys(aws_vpc_security_group_ingress_rule.load_balancer)) == toset(["8000/203.0.113.0/24", "8000/198.51.100.0/24"])
    error_message = "Each origin reaches each listener port."
  }

  assert {
    condition     = toset(keys(aws_vpc_security_group_egress_rule.load_balancer)) == toset(["8080", "8081"])
    error_message = "The load balancer reaches each target port."
  }

  assert {
    condition     = [for subnet in aws_subnet.this : subnet.cidr_block] == ["192.168.0.0/28", "192.168.0.16/28"]
    error_message = "The subnets lie in the VPC's block."
  }
}
