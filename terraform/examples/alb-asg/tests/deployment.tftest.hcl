# The groups behind the contract of the examples, and which image they begin with.
mock_provider "aws" {
  override_during = plan

  mock_data "aws_availability_zones" {
    defaults = { names = ["eu-central-1a", "eu-central-1b"] }
  }

  mock_data "aws_partition" {
    defaults = { partition = "aws", dns_suffix = "amazonaws.com" }
  }

  mock_data "aws_ssm_parameter" {
    defaults = { value = "ami-0aaaaaaaaaaaaaaaa" }
  }

  mock_resource "aws_vpc" {
    defaults = { id = "vpc-0123456789abcdef0" }
  }

  mock_resource "aws_subnet" {
    defaults = { id = "subnet-0123456789abcdef0" }
  }

  mock_resource "aws_security_group" {
    defaults = { id = "sg-0123456789abcdef0" }
  }

  override_resource {
    target = aws_lb.this
    values = {
      arn        = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:loadbalancer/app/web/50dc6c495c0c9188"
      arn_suffix = "app/web/50dc6c495c0c9188"
      dns_name   = "web-1234567890.eu-central-1.elb.amazonaws.com"
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
    target = module.route.aws_lb_listener.this["own"]
    values = { arn = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:listener/app/web/50dc6c495c0c9188/f2f7dc8efc522ab2" }
  }

  override_resource {
    target = module.route.aws_lb_listener_rule.this
    values = { arn = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:listener-rule/app/web/50dc6c495c0c9188/f2f7dc8efc522ab2/9683b2d02a6cabee" }
  }

  override_resource {
    target = module.route.aws_lb_listener_rule.test["blue"]
    values = { arn = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:listener-rule/app/web/50dc6c495c0c9188/f2f7dc8efc522ab2/1291d13826f405c3" }
  }

  override_resource {
    target = module.route.aws_lb_listener_rule.test["green"]
    values = { arn = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:listener-rule/app/web/50dc6c495c0c9188/f2f7dc8efc522ab2/4b3a8c6e2d7f9a10" }
  }

  override_resource {
    target = module.state.aws_dynamodb_table.this
    values = { arn = "arn:aws:dynamodb:eu-central-1:123456789012:table/bluegreen-web" }
  }
}

run "the_golden_contract_and_its_workload" {
  command = plan

  variables {
    stickiness         = { duration_seconds = 300 }
    test_header_values = { blue = "b-7f3a", green = "g-91c0" }
  }

  assert {
    condition = {
      for key, value in output.deployment : key => value if key != "workload"
      } == {
      for key, value in jsondecode(file("../../../tests/golden/deployment.json")) : key => value if key != "workload"
    }
    error_message = "But for the workload the output is not tests/golden/deployment.json."
  }

  assert {
    condition     = output.deployment.workload == { kind = "asg", groups = { blue = "web-blue", green = "web-green" } }
    error_message = "The contract names the groups of both colors."
  }

  assert {
    condition     = output.url == "http://web-1234567890.eu-central-1.elb.amazonaws.com:80"
    error_message = "Without a certificate it is HTTP on port 80."
  }
}

run "an_image_of_yours" {
  command = plan

  variables {
    image_id      = "ami-0123456789abcdef0"
    desired_count = 3
    max_count     = 9
    scaling       = { requests_per_target = 500 }
  }

  assert {
    condition     = length(data.aws_ssm_parameter.amazon_linux) == 0 && local.image_id == "ami-0123456789abcdef0" && local.user_data == null
    error_message = "An image of one's own needs neither Amazon Linux nor the sample."
  }
}

run "the_sample" {
  command = plan

  variables {
    certificate_arn     = "arn:aws:acm:eu-central-1:123456789012:certificate/0b6d0a3c"
    access_logs         = { bucket = "logs", prefix = "web" }
    deletion_protection = false
    target_port         = 9000
    root_volume_gib     = null
  }

  assert {
    condition     = local.image_id == "ami-0aaaaaaaaaaaaaaaa"
    error_message = "Without an image it is the newest Amazon Linux."
  }

  assert {
    condition = alltrue([
      for color, script in local.user_data :
      strcontains(script, "'${color}' \"$image\" >/etc/bluegreen.env") && strcontains(script, "server.py 9000") && strcontains(script, "BaseHTTPRequestHandler")
    ])
    error_message = "The sample knows its color and port."
  }

  assert {
    condition     = one(aws_lb.this.access_logs).bucket == "logs" && !aws_lb.this.enable_deletion_protection
    error_message = "The load balancer has what was told."
  }

  assert {
    condition     = output.url == "https://web-1234567890.eu-central-1.elb.amazonaws.com:443" && local.listener_ports == tolist([80, 443])
    error_message = "With a certificate it is HTTPS on port 443, and port 80 redirects."
  }
}
