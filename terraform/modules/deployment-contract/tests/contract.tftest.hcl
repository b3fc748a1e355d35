# The golden contract is asserted here and by pytest: it is all that Terraform and the toolkit share.
mock_provider "aws" {}

variables {
  name = "web"

  load_balancer = {
    arn        = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:loadbalancer/app/web/50dc6c495c0c9188"
    arn_suffix = "app/web/50dc6c495c0c9188"
    dns_name   = "web-1234567890.eu-central-1.elb.amazonaws.com"
  }

  routes = [{
    name         = "web"
    kind         = "alb-rule"
    arn          = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:listener-rule/app/web/50dc6c495c0c9188/f2f7dc8efc522ab2/9683b2d02a6cabee"
    listener_arn = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:listener/app/web/50dc6c495c0c9188/f2f7dc8efc522ab2"
    stickiness   = { enabled = true, duration_seconds = 300 }
  }]

  test_routes = [
    {
      name         = "web-blue-test"
      color        = "blue"
      arn          = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:listener-rule/app/web/50dc6c495c0c9188/f2f7dc8efc522ab2/1291d13826f405c3"
      listener_arn = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:listener/app/web/50dc6c495c0c9188/f2f7dc8efc522ab2"
      header_name  = "x-bluegreen-color"
    },
    {
      name         = "web-green-test"
      color        = "green"
      arn          = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:listener-rule/app/web/50dc6c495c0c9188/f2f7dc8efc522ab2/4b3a8c6e2d7f9a10"
      listener_arn = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:listener/app/web/50dc6c495c0c9188/f2f7dc8efc522ab2"
      header_name  = "x-bluegreen-color"
    },
  ]

  target_groups = {
    blue = {
      name       = "web-blue"
      arn        = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/web-blue/73e2d6bc24d8a067"
      arn_suffix = "targetgroup/web-blue/73e2d6bc24d8a067"
    }
    green = {
      name       = "web-green"
      arn        = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/web-green/09966783158cda59"
      arn_suffix = "targetgroup/web-green/09966783158cda59"
    }
  }

  state_table = {
    name = "bluegreen-web"
    arn  = "arn:aws:dynamodb:eu-central-1:123456789012:table/bluegreen-web"
  }
}

run "the_golden_contract" {
  command = plan

  assert {
    condition     = output.deployment == jsondecode(file("../../../tests/golden/deployment.json"))
    error_message = "The output is not tests/golden/deployment.json."
  }

  assert {
    condition     = jsondecode(aws_ssm_parameter.deployment.insecure_value) == jsondecode(file("../../../tests/golden/deployment.json"))
    error_message = "The parameter does not hold tests/golden/deployment.json."
  }

  assert {
    condition = (
      aws_ssm_parameter.deployment.name == "/bluegreen/web/deployment"
      && aws_ssm_parameter.deployment.type == "String" && aws_ssm_parameter.deployment.tier == "Intelligent-Tiering"
      && output.parameter.name == "/bluegreen/web/deployment"
    )
    error_message = "The parameter is a String at /bluegreen/<name>/deployment, with room for 8 KB."
  }
}

run "the_golden_contract_of_a_network_load_balancer" {
  command = plan

  variables {
    load_balancer = {
      type       = "network"
      arn        = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:loadbalancer/net/web/f07e6b5d4c3a2918"
      arn_suffix = "net/web/f07e6b5d4c3a2918"
      dns_name   = "web-f07e6b5d4c3a2918.elb.eu-central-1.amazonaws.com"
    }

    routes = [{
      name         = "web"
      kind         = "nlb-listener"
      arn          = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:listener/net/web/f07e6b5d4c3a2918/0a1b2c3d4e5f6071"
      listener_arn = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:listener/net/web/f07e6b5d4c3a2918/0a1b2c3d4e5f6071"
      stickiness   = { enabled = false }
    }]

    test_routes = []
  }

  # As text: a null has a type in an output and none in JSON, and `==` minds that.
  assert {
    condition     = jsonencode(output.deployment) == jsonencode(jsondecode(file("../../../tests/golden/deployment-nlb.json")))
    error_message = "The output is not tests/golden/deployment-nlb.json."
  }

  assert {
    condition     = aws_ssm_parameter.deployment.insecure_value == jsonencode(jsondecode(file("../../../tests/golden/deployment-nlb.json")))
    error_message = "The parameter does not hold tests/golden/deployment-nlb.json."
  }
}

run "several_routes_authentication_and_no_table" {
  command = plan

  variables {
    state_table = null
    test_routes = []

    routes = [
      {
        name         = "web"
        kind         = "alb-rule"
        arn          = "rule-1"
        listener_arn = "listener"
        stickiness   = { enabled = false }
      },
      {
        name         = "admin"
        kind         = "alb-rule"
        arn          = "rule-2"
        listener_arn = "listener"
        stickiness   = { enabled = false }
        preceding_actions = [
          { type = "authenticate-oidc", order = 1, settings = { issuer = "https://id.example.com", client_id = "web" } }
        ]
        reserved_priorities = { first = 90, last = 94 }
      },
    ]
  }

  assert {
    condition     = output.deployment.routes[*].name == ["web", "admin"]
    error_message = "The routes keep their order."
  }

  assert {
    condition     = jsonencode(output.deployment.routes[0].stickiness) == jsonencode({ enabled = false, duration_seconds = null })
    error_message = "Stickiness that is off has no duration."
  }

  assert {
    condition = jsonencode(output.deployment.routes[1].preceding_actions) == jsonencode([
      { type = "authenticate-oidc", order = 1, settings = { issuer = "https://id.example.com", client_id = "web" } }
    ])
    error_message = "Preceding actions are carried along."
  }

  assert {
    condition     = [for route in output.deployment.routes : try(route.reserved_priorities.last, 0)] == [0, 94]
    error_message = "Reserved priorities are carried along where there are any."
  }

  assert {
    condition     = output.deployment.state_table == null && length(output.deployment.test_routes) == 0
    error_message = "Without a table the contract says so, and without test routes their list is empty."
  }
}

run "the_default_action_of_a_listener_is_a_route_too" {
  command = plan

  variables {
    test_routes = []

    routes = [{
      name         = "web"
      kind         = "alb-listener"
      arn          = "listener"
      listener_arn = "listener"
      stickiness   = { enabled = true, duration_seconds = 60 }
    }]
  }

  assert {
    condition     = output.deployment.routes[0].kind == "alb-listener" && output.deployment.routes[0].arn == output.deployment.routes[0].listener_arn
    error_message = "The listener is the route."
  }
}

run "ecs_services_are_a_workload" {
  command = plan

  variables {
    workload = {
      kind     = "ecs"
      cluster  = "prod"
      services = { blue = "web-blue", green = "web-green" }
    }
  }

  assert {
    condition = jsonencode(output.deployment.workload) == jsonencode({
      kind = "ecs", cluster = "prod", services = { blue = "web-blue", green = "web-green" }
    })
    error_message = "The cluster and a service for each color, and nothing of the other kind."
  }

  assert {
    condition     = jsondecode(aws_ssm_parameter.deployment.insecure_value).workload.services.green == "web-green"
    error_message = "The parameter holds the workload too."
  }
}

run "the_golden_contract_of_ecs_services" {
  command = plan

  variables {
    workload = {
      kind      = "ecs"
      cluster   = "web"
      services  = { blue = "web-blue", green = "web-green" }
      container = "app"
    }
  }

  assert {
    condition     = jsonencode(output.deployment) == jsonencode(jsondecode(file("../../../tests/golden/deployment-ecs.json")))
    error_message = "The output is not tests/golden/deployment-ecs.json."
  }

  assert {
    condition     = aws_ssm_parameter.deployment.insecure_value == jsonencode(jsondecode(file("../../../tests/golden/deployment-ecs.json")))
    error_message = "The parameter does not hold tests/golden/deployment-ecs.json."
  }
}

run "auto_scaling_groups_are_a_workload" {
  command = plan

  variables {
    workload = {
      kind   = "asg"
      groups = { blue = "web-blue", green = "web-green" }
    }
  }

  assert {
    condition = jsonencode(output.deployment.workload) == jsonencode({
      kind = "asg", groups = { blue = "web-blue", green = "web-green" }
    })
    error_message = "A group for each color, and nothing of the other kind."
  }
}

run "alarms_guard_each_color" {
  command = plan

  variables {
    alarms = { blue = ["web-blue"], green = ["web-green", "orders"] }
  }

  assert {
    condition     = jsonencode(output.deployment.alarms) == jsonencode({ blue = ["web-blue"], green = ["web-green", "orders"] })
    error_message = "Their names, by color."
  }

  assert {
    condition = jsondecode(aws_ssm_parameter.deployment.insecure_value) == merge(
      jsondecode(file("../../../tests/golden/deployment.json")), { alarms = { blue = ["web-blue"], green = ["web-green", "orders"] } }
    )
    error_message = "All else is the golden contract."
  }
}

run "one_color_may_have_alarms_alone" {
  command = plan

  variables {
    alarms = { green = ["web-green"] }
  }

  assert {
    condition     = jsonencode(output.deployment.alarms) == jsonencode({ blue = [], green = ["web-green"] })
    error_message = "The other one has none."
  }
}

run "a_contract_of_8192_bytes_fits" {
  command = plan

  variables {
    test_routes = []

    load_balancer = {
      arn        = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:loadbalancer/app/web/50dc6c495c0c9188"
      arn_suffix = "app/web/50dc6c495c0c9188"
      dns_name   = format("%07007d", 0)
    }
  }

  assert {
    condition     = local.json_bytes == 8192 && length(local.json) == 8192
    error_message = "This contract has ${local.json_bytes} bytes, and was meant to have 8192."
  }
}

run "a_contract_of_8193_bytes_is_refused" {
  command = plan

  variables {
    test_routes = []

    load_balancer = {
      arn        = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:loadbalancer/app/web/50dc6c495c0c9188"
      arn_suffix = "app/web/50dc6c495c0c9188"
      # As many characters as fit, one of them of two bytes.
      dns_name = "ü${format("%07006d", 0)}"
    }
  }

  expect_failures = [aws_ssm_parameter.deployment]
}
