# The examples `alb` and `lab` output the same contract: tests/golden/deployment.json.
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

run "the_golden_contract" {
  command = plan

  variables {
    stickiness          = { duration_seconds = 300 }
    test_header_values  = { blue = "b-7f3a", green = "g-91c0" }
    reserved_priorities = null
  }

  assert {
    condition     = output.deployment == jsondecode(file("../../../tests/golden/deployment.json"))
    error_message = "The output is not tests/golden/deployment.json."
  }
}

run "as_it_stands" {
  command = plan

  assert {
    condition     = output.deployment.routes[0].reserved_priorities == { first = 90, last = 94 }
    error_message = "`bluegreen ab` finds priorities that are kept free for it."
  }

  assert {
    condition     = aws_lb.this.drop_invalid_header_fields && aws_lb.this.enable_deletion_protection && length(aws_lb.this.access_logs) == 0
    error_message = "The load balancer drops invalid headers and is protected; access logs wait for a bucket."
  }
}

run "with_a_certificate_and_access_logs" {
  command = plan

  variables {
    certificate_arn     = "arn:aws:acm:eu-central-1:123456789012:certificate/0b6d0a3c"
    access_logs         = { bucket = "logs", prefix = "web" }
    deletion_protection = false
    targets             = { green = ["10.0.1.11"] }
  }

  assert {
    condition     = one(aws_lb.this.access_logs).bucket == "logs" && one(aws_lb.this.access_logs).enabled && !aws_lb.this.enable_deletion_protection
    error_message = "The load balancer has what was told."
  }

  assert {
    condition     = module.route.listener_arn == output.deployment.routes[0].listener_arn
    error_message = "The route is on the HTTPS listener."
  }
}

run "with_guardrails" {
  command = plan

  variables {
    guardrails = true
  }

  assert {
    condition     = alltrue([for color in ["blue", "green"] : anytrue([for name in output.deployment.alarms[color] : startswith(name, "web-${color}")])])
    error_message = "The contract names the alarms of each color."
  }
}
