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

run "a_load_balancer_is_an_application_one" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    load_balancer = { type = "network", arn = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:loadbalancer/net/web/1", arn_suffix = "net/web/1", dns_name = "web" }
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

run "a_route_is_a_rule" {
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
