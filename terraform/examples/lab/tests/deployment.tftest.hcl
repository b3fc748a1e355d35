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
    condition     = !output.deployment.routes[0].stickiness.enabled && length(output.deployment.test_routes) == 0
    error_message = "Unless told otherwise no client sticks to a color, and no header reaches one."
  }

  assert {
    condition     = aws_lb.this.name == "web" && aws_lb.this.drop_invalid_header_fields
    error_message = "The load balancer bears the service's name and drops invalid headers."
  }
}
