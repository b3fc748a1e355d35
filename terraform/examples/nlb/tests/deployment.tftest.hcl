# The example outputs the golden contract of a Network Load Balancer: tests/golden/deployment-nlb.json.
mock_provider "aws" {
  override_during = plan

  mock_data "aws_availability_zones" {
    defaults = { names = ["eu-central-1a", "eu-central-1b"] }
  }

  mock_resource "aws_vpc" {
    defaults = { id = "vpc-0123456789abcdef0" }
  }

  override_resource {
    target = aws_lb.this
    values = {
      arn        = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:loadbalancer/net/web/f07e6b5d4c3a2918"
      arn_suffix = "net/web/f07e6b5d4c3a2918"
      dns_name   = "web-f07e6b5d4c3a2918.elb.eu-central-1.amazonaws.com"
    }
  }

  override_resource {
    target = module.pair.aws_lb_target_group.this["blue"]
    values = {
      arn        = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/web-blue/73e2d6bc24d8a067"
      arn_suffix = "targetgroup/web-blue/73e2d6bc24d8a067"
    }
  }

  override_resource {
    target = module.pair.aws_lb_target_group.this["green"]
    values = {
      arn        = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/web-green/09966783158cda59"
      arn_suffix = "targetgroup/web-green/09966783158cda59"
    }
  }

  override_resource {
    target = module.route.aws_lb_listener.this
    values = { arn = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:listener/net/web/f07e6b5d4c3a2918/0a1b2c3d4e5f6071" }
  }

  override_resource {
    target = module.state.aws_dynamodb_table.this
    values = { arn = "arn:aws:dynamodb:eu-central-1:123456789012:table/bluegreen-web" }
  }
}

run "the_golden_contract" {
  command = plan

  assert {
    condition     = jsonencode(output.deployment) == jsonencode(jsondecode(file("../../../tests/golden/deployment-nlb.json")))
    error_message = "The output is not tests/golden/deployment-nlb.json."
  }
}

run "as_it_stands" {
  command = plan

  assert {
    condition = (
      aws_lb.this.load_balancer_type == "network" && aws_lb.this.enable_cross_zone_load_balancing
      && aws_lb.this.enable_deletion_protection && length(aws_lb.this.security_groups) == 1 && length(aws_lb.this.access_logs) == 0
    )
    error_message = "The load balancer reaches all zones, has a security group and is protected; access logs wait for a bucket."
  }
}

run "with_a_certificate_and_everything_told" {
  command = plan

  variables {
    certificate_arn        = "arn:aws:acm:eu-central-1:123456789012:certificate/0b6d0a3c"
    access_logs            = { bucket = "logs", prefix = "web" }
    deletion_protection    = false
    cross_zone             = false
    connection_termination = true
    preserve_client_ip     = true
    health_check           = { protocol = "HTTP", path = "/healthz", interval_seconds = 5 }
    targets                = { blue = ["10.0.1.11"], green = ["10.0.2.11"] }
  }

  assert {
    condition     = one(aws_lb.this.access_logs).bucket == "logs" && !aws_lb.this.enable_deletion_protection && !aws_lb.this.enable_cross_zone_load_balancing
    error_message = "The load balancer has what was told."
  }

  assert {
    condition     = output.deployment.routes[0].kind == "nlb-listener" && output.deployment.load_balancer.type == "network"
    error_message = "A TLS listener is a route like any other."
  }
}
