# The route as ELBv2 gets it, and the contract's words for it.
mock_provider "aws" {
  override_during = plan

  mock_resource "aws_lb_listener_rule" {
    defaults = { arn = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:listener-rule/app/web/50dc6c495c0c9188/f2f7dc8efc522ab2/9683b2d02a6cabee" }
  }
}

variables {
  name         = "web"
  listener_arn = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:listener/app/web/50dc6c495c0c9188/f2f7dc8efc522ab2"

  target_groups = {
    blue  = { arn = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/web-blue/73e2d6bc24d8a067" }
    green = { arn = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/web-green/09966783158cda59" }
  }
}

run "defaults" {
  command = plan

  assert {
    condition = { for group in one(one(aws_lb_listener_rule.this.action).forward).target_group : group.arn => group.weight } == {
      (var.target_groups.blue.arn)  = 100
      (var.target_groups.green.arn) = 0
    }
    error_message = "Both groups are attached from the first apply, and blue has the traffic."
  }

  assert {
    condition     = length(one(one(aws_lb_listener_rule.this.action).forward).stickiness) == 0 && one(aws_lb_listener_rule.this.action).order == 1
    error_message = "Nothing precedes the forward, and it is not sticky."
  }

  assert {
    condition     = one([for condition in aws_lb_listener_rule.this.condition : one(condition.path_pattern).values]) == toset(["/*"]) && aws_lb_listener_rule.this.priority == 100
    error_message = "Every path takes the route, at priority 100."
  }

  assert {
    condition     = length(aws_lb_listener.this) == 0 && length(aws_lb_listener.redirect) == 0 && length(data.aws_lb_listener.given) == 0
    error_message = "On a given listener none is made, and none is asked for without need."
  }

  assert {
    condition = jsonencode(output.route) == jsonencode({
      name                = "web"
      kind                = "alb-rule"
      arn                 = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:listener-rule/app/web/50dc6c495c0c9188/f2f7dc8efc522ab2/9683b2d02a6cabee"
      listener_arn        = var.listener_arn
      stickiness          = { enabled = false, duration_seconds = null }
      preceding_actions   = []
      reserved_priorities = null
    })
    error_message = "route is what deployment-contract takes."
  }

  assert {
    condition     = output.listener_arn == var.listener_arn
    error_message = "listener_arn is the given one."
  }
}

run "green_may_come_first_and_clients_may_stay" {
  command = plan

  variables {
    initial_color = "green"
    stickiness    = { duration_seconds = 300 }
    priority      = 7
  }

  assert {
    condition = { for group in one(one(aws_lb_listener_rule.this.action).forward).target_group : group.arn => group.weight } == {
      (var.target_groups.blue.arn)  = 0
      (var.target_groups.green.arn) = 100
    }
    error_message = "The initial color has all the traffic."
  }

  assert {
    condition     = one(one(one(aws_lb_listener_rule.this.action).forward).stickiness).enabled && one(one(one(aws_lb_listener_rule.this.action).forward).stickiness).duration == 300
    error_message = "The forward is sticky for the duration."
  }

  assert {
    condition     = output.route.stickiness.enabled && output.route.stickiness.duration_seconds == 300 && aws_lb_listener_rule.this.priority == 7
    error_message = "The contract says the duration, and the rule has its priority."
  }
}

run "every_kind_of_condition" {
  command = plan

  variables {
    conditions = {
      host_headers  = ["*.example.com"]
      http_headers  = [{ name = "X-Beta", values = ["yes"] }]
      query_strings = [{ key = "beta", value = "1" }]
      source_ips    = ["2001:db8::/32"]
      methods       = ["GET"]
    }
  }

  assert {
    condition     = length(aws_lb_listener_rule.this.condition) == 5
    error_message = "Each kind is a condition of its own, so that all must match."
  }

  assert {
    condition = (
      one(flatten([for condition in aws_lb_listener_rule.this.condition : [for host in condition.host_header : tolist(host.values)]])) == "*.example.com"
      && one(flatten([for condition in aws_lb_listener_rule.this.condition : [for header in condition.http_header : "${header.http_header_name}=${one(header.values)}"]])) == "X-Beta=yes"
      && one(flatten([for condition in aws_lb_listener_rule.this.condition : [for query in condition.query_string : "${query.key}=${query.value}"]])) == "beta=1"
      && one(flatten([for condition in aws_lb_listener_rule.this.condition : [for source in condition.source_ip : tolist(source.values)]])) == "2001:db8::/32"
      && one(flatten([for condition in aws_lb_listener_rule.this.condition : [for method in condition.http_request_method : tolist(method.values)]])) == "GET"
    )
    error_message = "Each condition has its values."
  }
}

run "priorities_are_kept_free_for_rollouts" {
  command = plan

  variables {
    priority            = 100
    reserved_priorities = { first = 90, last = 94 }
  }

  assert {
    condition     = jsonencode(output.route.reserved_priorities) == jsonencode({ first = 90, last = 94 })
    error_message = "The route says which priorities rollouts may take."
  }
}
