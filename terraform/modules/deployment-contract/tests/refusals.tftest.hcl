# Every validation of the module, refusing.
# They run on tests/inputs, the variables.tf of the module and nothing else, so that no provider starts.

variables {
  name = "web"

  load_balancer = {
    arn        = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:loadbalancer/app/web/50dc6c495c0c9188"
    arn_suffix = "app/web/50dc6c495c0c9188"
    dns_name   = "web-1234567890.eu-central-1.elb.amazonaws.com"
  }

  routes = [
    { name = "web", kind = "alb-rule", arn = "rule-1", listener_arn = "listener", stickiness = { enabled = false } },
  ]

  target_groups = {
    blue  = { name = "web-blue", arn = "blue", arn_suffix = "targetgroup/web-blue/1" }
    green = { name = "web-green", arn = "green", arn_suffix = "targetgroup/web-green/2" }
  }
}

run "a_name_fits_a_parameter_path" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    name = "web/one"
  }

  expect_failures = [var.name]
}

run "a_load_balancer_balances_requests_or_flows" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    load_balancer = { type = "gateway", arn = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:loadbalancer/gwy/web/1", arn_suffix = "gwy/web/1", dns_name = "web" }
  }

  expect_failures = [var.load_balancer]
}

run "a_load_balancer_is_named_by_its_arn" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    load_balancer = { arn = "web", arn_suffix = "app/web/1", dns_name = "web" }
  }

  expect_failures = [var.load_balancer]
}

run "a_service_has_a_route" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    routes = []
  }

  expect_failures = [var.routes]
}

run "routes_differ_in_name" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    routes = [
      { name = "web", kind = "alb-rule", arn = "rule-1", listener_arn = "listener", stickiness = { enabled = false } },
      { name = "web", kind = "alb-rule", arn = "rule-2", listener_arn = "listener", stickiness = { enabled = false } },
    ]
  }

  expect_failures = [var.routes]
}

run "routes_differ_in_arn" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    routes = [
      { name = "web", kind = "alb-rule", arn = "rule-1", listener_arn = "listener", stickiness = { enabled = false } },
      { name = "api", kind = "alb-rule", arn = "rule-1", listener_arn = "listener", stickiness = { enabled = false } },
    ]
  }

  expect_failures = [var.routes]
}

run "a_route_is_of_a_known_kind" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    routes = [
      { name = "web", kind = "listener", arn = "rule-1", listener_arn = "listener", stickiness = { enabled = false } },
    ]
  }

  expect_failures = [var.routes]
}

run "stickiness_has_a_duration" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    routes = [
      { name = "web", kind = "alb-rule", arn = "rule-1", listener_arn = "listener", stickiness = { enabled = true } },
    ]
  }

  expect_failures = [var.routes]
}

run "stickiness_that_is_off_has_no_duration" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    routes = [
      { name = "web", kind = "alb-rule", arn = "rule-1", listener_arn = "listener", stickiness = { enabled = false, duration_seconds = 60 } },
    ]
  }

  expect_failures = [var.routes]
}

run "the_colors_have_two_target_groups" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    target_groups = {
      blue  = { name = "web", arn = "blue", arn_suffix = "targetgroup/web/1" }
      green = { name = "web", arn = "blue", arn_suffix = "targetgroup/web/1" }
    }
  }

  expect_failures = [var.target_groups]
}

run "a_network_load_balancer_has_no_rules" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    load_balancer = { type = "network", arn = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:loadbalancer/net/web/1", arn_suffix = "net/web/1", dns_name = "web" }
    routes        = [{ name = "web", kind = "alb-rule", arn = "rule-1", listener_arn = "listener", stickiness = { enabled = false } }]
  }

  expect_failures = [var.routes]
}

run "an_application_load_balancer_has_no_listener_of_flows" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    routes = [{ name = "web", kind = "nlb-listener", arn = "listener", listener_arn = "listener", stickiness = { enabled = false } }]
  }

  expect_failures = [var.routes]
}

run "a_listener_that_is_a_route_has_one_arn" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    routes = [{ name = "web", kind = "alb-listener", arn = "rule-1", listener_arn = "listener", stickiness = { enabled = false } }]
  }

  expect_failures = [var.routes]
}

run "a_listener_of_flows_is_not_sticky" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    load_balancer = { type = "network", arn = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:loadbalancer/net/web/1", arn_suffix = "net/web/1", dns_name = "web" }
    routes        = [{ name = "web", kind = "nlb-listener", arn = "listener", listener_arn = "listener", stickiness = { enabled = true, duration_seconds = 60 } }]
  }

  expect_failures = [var.routes]
}

run "a_test_route_has_a_color" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    test_routes = [{ name = "one", color = "red", arn = "rule-2", listener_arn = "listener", header_name = "x-color" }]
  }

  expect_failures = [var.test_routes]
}

run "test_routes_differ_in_name" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    test_routes = [{ name = "one", color = "blue", arn = "rule-2", listener_arn = "listener", header_name = "x-color" }, { name = "one", color = "green", arn = "rule-3", listener_arn = "listener", header_name = "x-color" }]
  }

  expect_failures = [var.test_routes]
}

run "test_routes_differ_in_arn" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    test_routes = [{ name = "one", color = "blue", arn = "rule-2", listener_arn = "listener", header_name = "x-color" }, { name = "two", color = "green", arn = "rule-2", listener_arn = "listener", header_name = "x-color" }]
  }

  expect_failures = [var.test_routes]
}

run "a_test_route_is_no_route" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    test_routes = [{ name = "one", color = "blue", arn = "rule-1", listener_arn = "listener", header_name = "x-color" }]
  }

  expect_failures = [var.test_routes]
}

run "a_test_route_has_a_header" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    test_routes = [{ name = "one", color = "blue", arn = "rule-2", listener_arn = "listener", header_name = "" }]
  }

  expect_failures = [var.test_routes]
}

run "a_network_load_balancer_has_no_test_routes" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    load_balancer = { type = "network", arn = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:loadbalancer/net/web/1", arn_suffix = "net/web/1", dns_name = "web" }
    routes        = [{ name = "web", kind = "nlb-listener", arn = "listener", listener_arn = "listener", stickiness = { enabled = false } }]
    test_routes   = [{ name = "one", color = "blue", arn = "rule-2", listener_arn = "listener", header_name = "x-color" }]
  }

  expect_failures = [var.test_routes]
}

run "a_workload_is_of_a_known_kind" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    workload = { kind = "lambda" }
  }

  expect_failures = [var.workload]
}

run "ecs_services_are_in_a_cluster" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    workload = { kind = "ecs", services = { blue = "web-blue", green = "web-green" } }
  }

  expect_failures = [var.workload]
}

run "a_cluster_without_services_is_no_workload" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    workload = { kind = "ecs", cluster = "prod" }
  }

  expect_failures = [var.workload]
}

run "ecs_services_are_no_groups" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    workload = { kind = "ecs", cluster = "prod", services = { blue = "web-blue", green = "web-green" }, groups = { blue = "web-blue", green = "web-green" } }
  }

  expect_failures = [var.workload]
}

run "a_workload_of_groups_has_groups" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    workload = { kind = "asg" }
  }

  expect_failures = [var.workload]
}

run "groups_are_in_no_cluster" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    workload = { kind = "asg", cluster = "prod", groups = { blue = "web-blue", green = "web-green" } }
  }

  expect_failures = [var.workload]
}

run "groups_have_no_container" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    workload = { kind = "asg", groups = { blue = "web-blue", green = "web-green" }, container = "app" }
  }

  expect_failures = [var.workload]
}

run "a_container_has_a_name" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    workload = { kind = "ecs", cluster = "prod", services = { blue = "web-blue", green = "web-green" }, container = "" }
  }

  expect_failures = [var.workload]
}

run "a_container_is_no_image" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    workload = { kind = "ecs", cluster = "prod", services = { blue = "web-blue", green = "web-green" }, container = "registry.example/web:1.4.2" }
  }

  expect_failures = [var.workload]
}

run "each_color_runs_by_itself" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    workload = { kind = "asg", groups = { blue = "web", green = "web" } }
  }

  expect_failures = [var.workload]
}

run "each_color_has_a_name" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    workload = { kind = "ecs", cluster = "prod", services = { blue = "web", green = "" } }
  }

  expect_failures = [var.workload]
}

run "an_alarm_has_a_name" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    alarms = { green = [""] }
  }

  expect_failures = [var.alarms]
}

run "an_alarm_is_no_arn" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    alarms = { green = ["arn:aws:cloudwatch:eu-central-1:123456789012:alarm:web"] }
  }

  expect_failures = [var.alarms]
}

run "an_alarm_is_named_once" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    alarms = { green = ["web", "web"] }
  }

  expect_failures = [var.alarms]
}

run "reserved_priorities_are_in_their_order" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    routes = [{ name = "web", kind = "alb-rule", arn = "rule", listener_arn = "listener", stickiness = { enabled = false }, reserved_priorities = { first = 94, last = 90 } }]
  }

  expect_failures = [var.routes]
}
