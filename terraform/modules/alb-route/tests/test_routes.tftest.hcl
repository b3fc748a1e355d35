# The rules that reach one color alone, as ELBv2 gets them, and the contract's words for them.
mock_provider "aws" {
  override_during = plan

  mock_resource "aws_lb_listener_rule" {
    defaults = { arn = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:listener-rule/app/web/50dc6c495c0c9188/f2f7dc8efc522ab2/9683b2d02a6cabee" }
  }

  mock_data "aws_lb_listener" {
    defaults = { protocol = "HTTPS" }
  }

  override_resource {
    target = aws_lb_listener_rule.test["blue"]
    values = { arn = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:listener-rule/app/web/50dc6c495c0c9188/f2f7dc8efc522ab2/1291d13826f405c3" }
  }

  override_resource {
    target = aws_lb_listener_rule.test["green"]
    values = { arn = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:listener-rule/app/web/50dc6c495c0c9188/f2f7dc8efc522ab2/4b3a8c6e2d7f9a10" }
  }
}

variables {
  name         = "web"
  listener_arn = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:listener/app/web/50dc6c495c0c9188/f2f7dc8efc522ab2"

  target_groups = {
    blue  = { arn = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/web-blue/73e2d6bc24d8a067" }
    green = { arn = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/web-green/09966783158cda59" }
  }

  test_routes        = {}
  test_header_values = { blue = "b-7f3a", green = "g-91c0" }
}

run "none_unless_told" {
  command = plan

  variables {
    test_routes        = null
    test_header_values = null
  }

  assert {
    condition     = length(aws_lb_listener_rule.test) == 0 && length(output.test_routes) == 0
    error_message = "Without the input there are no test routes."
  }
}

run "defaults" {
  command = plan

  assert {
    condition = { for color, rule in aws_lb_listener_rule.test : color => one(rule.action).target_group_arn } == {
      blue  = var.target_groups.blue.arn
      green = var.target_groups.green.arn
    }
    error_message = "Each rule forwards to its color alone."
  }

  assert {
    condition     = alltrue([for rule in values(aws_lb_listener_rule.test) : length(one(rule.action).forward) == 0 && one(rule.action).order == 1])
    error_message = "There are no weights and no stickiness in a test route."
  }

  assert {
    condition = (
      aws_lb_listener_rule.test["blue"].priority == 98 && aws_lb_listener_rule.test["green"].priority == 99
      && aws_lb_listener_rule.this.priority == 100
    )
    error_message = "The test routes come just before the route."
  }

  assert {
    condition = nonsensitive({
      for color, rule in aws_lb_listener_rule.test : color => one(flatten([
        for condition in rule.condition : [for header in condition.http_header : "${header.http_header_name}=${one(header.values)}"]
      ]))
    }) == { blue = "x-bluegreen-color=b-7f3a", green = "x-bluegreen-color=g-91c0" }
    error_message = "Each rule asks for its color's value of the header."
  }

  assert {
    condition     = jsonencode(output.test_routes) == jsonencode(jsondecode(file("../../../tests/golden/deployment.json")).test_routes)
    error_message = "test_routes is what deployment-contract takes, and holds no value of the header."
  }

  assert {
    condition     = one(one(aws_lb_listener_rule.this.action).forward).target_group != null && length(aws_lb_listener_rule.this.condition) == 1
    error_message = "The route itself is as it was."
  }
}

run "every_condition_of_the_route_and_the_header" {
  command = plan

  variables {
    test_routes = { header_name = "X-Idle", priorities = { blue = 7, green = 3 } }

    conditions = {
      host_headers  = ["*.example.com"]
      query_strings = [{ key = "beta", value = "1" }]
      source_ips    = ["2001:db8::/32"]
      methods       = ["GET"]
    }
  }

  assert {
    condition = nonsensitive(alltrue([
      for rule in values(aws_lb_listener_rule.test) : length(rule.condition) == 5
      && one(flatten([for condition in rule.condition : [for host in condition.host_header : tolist(host.values)]])) == "*.example.com"
      && one(flatten([for condition in rule.condition : [for query in condition.query_string : "${query.key}=${query.value}"]])) == "beta=1"
      && one(flatten([for condition in rule.condition : [for source in condition.source_ip : tolist(source.values)]])) == "2001:db8::/32"
      && one(flatten([for condition in rule.condition : [for method in condition.http_request_method : tolist(method.values)]])) == "GET"
      && one(flatten([for condition in rule.condition : [for header in condition.http_header : header.http_header_name]])) == "X-Idle"
    ]))
    error_message = "A test route takes what the route takes, if the header is there too."
  }

  assert {
    condition     = aws_lb_listener_rule.test["blue"].priority == 7 && aws_lb_listener_rule.test["green"].priority == 3
    error_message = "The priorities are the ones that were told."
  }
}

run "the_route_s_own_headers_and_paths_count_as_well" {
  command = plan

  variables {
    conditions = {
      path_patterns = ["/api/*"]
      http_headers  = [{ name = "X-Beta", values = ["yes"] }]
    }
  }

  assert {
    condition = nonsensitive(alltrue([
      for color, rule in aws_lb_listener_rule.test : length(rule.condition) == 3
      && one(flatten([for condition in rule.condition : [for path in condition.path_pattern : tolist(path.values)]])) == "/api/*"
      && toset(flatten([for condition in rule.condition : [for header in condition.http_header : "${header.http_header_name}=${one(header.values)}"]]))
      == toset(["X-Beta=yes", "x-bluegreen-color=${var.test_header_values[color]}"])
    ]))
    error_message = "Both headers must match."
  }
}

run "the_idle_side_is_behind_the_same_door" {
  command = plan

  variables {
    authentication = {
      cognito = {
        user_pool_arn       = "arn:aws:cognito-idp:eu-central-1:123456789012:userpool/eu-central-1_web"
        user_pool_client_id = "client"
        user_pool_domain    = "web"
      }
    }
  }

  assert {
    condition = alltrue([
      for rule in values(aws_lb_listener_rule.test) : [for action in rule.action : "${action.order} ${action.type}"] == ["1 authenticate-cognito", "2 forward"]
    ])
    error_message = "A test route signs users in as the route does."
  }
}

run "the_idle_side_is_behind_the_same_provider" {
  command = plan

  variables {
    oidc_client_secret = "secret"
    authentication = {
      oidc = {
        issuer                 = "https://id.example.com"
        authorization_endpoint = "https://id.example.com/authorize"
        token_endpoint         = "https://id.example.com/token"
        user_info_endpoint     = "https://id.example.com/userinfo"
        client_id              = "web"
      }
    }
  }

  assert {
    condition = alltrue([
      for rule in values(aws_lb_listener_rule.test) : nonsensitive([for action in rule.action : "${action.order} ${action.type}"]) == ["1 authenticate-oidc", "2 forward"]
    ])
    error_message = "A test route signs users in as the route does."
  }
}

run "several_routes_on_two_listeners" {
  command = plan

  module {
    source = "./tests/several"
  }

  assert {
    condition     = length(distinct(output.routes[*].name)) == 3
    error_message = "Three routes for one service."
  }

  assert {
    condition     = output.test_routes[*].name == ["secure-blue-test", "secure-green-test", "api-blue-test", "api-green-test"]
    error_message = "The test routes of two of them, told apart by name."
  }
}
