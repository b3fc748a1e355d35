# Every validation of the module, refusing.
# They run on tests/inputs, the variables.tf of the module and nothing else, so that no provider starts.
variables {
  name          = "web"
  load_balancer = { arn_suffix = "app/web/50dc6c495c0c9188" }

  target_groups = {
    blue  = { arn_suffix = "targetgroup/web-blue/73e2d6bc24d8a067" }
    green = { arn_suffix = "targetgroup/web-green/09966783158cda59" }
  }
}

run "a_name_has_no_spaces" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    name = "web one"
  }

  expect_failures = [var.name]
}

run "a_load_balancer_balances_requests_or_flows" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    load_balancer = { type = "gateway", arn_suffix = "app/web/50dc6c495c0c9188" }
  }

  expect_failures = [var.load_balancer]
}

run "a_load_balancer_is_named_by_its_suffix" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    load_balancer = { arn_suffix = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:loadbalancer/app/web/50dc6c495c0c9188" }
  }

  expect_failures = [var.load_balancer]
}

run "a_load_balancer_of_requests_is_none_of_flows" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    load_balancer = { type = "network", arn_suffix = "app/web/50dc6c495c0c9188" }
  }

  expect_failures = [var.load_balancer]
}

run "a_target_group_is_named_by_its_suffix" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    target_groups = { blue = { arn_suffix = "web-blue" }, green = { arn_suffix = "web-green" } }
  }

  expect_failures = [var.target_groups]
}

run "the_colors_have_two_target_groups" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    target_groups = { blue = { arn_suffix = "targetgroup/web/1" }, green = { arn_suffix = "targetgroup/web/1" } }
  }

  expect_failures = [var.target_groups]
}

run "percent_are_below_a_hundred" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    bad_requests = { above_percent = 100 }
  }

  expect_failures = [var.bad_requests]
}

run "a_rate_needs_a_request" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    bad_requests = { minimum_requests = 0 }
  }

  expect_failures = [var.bad_requests]
}

run "bad_minutes_are_at_most_those_looked_at" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    bad_requests = { minutes = 3, datapoints = 4 }
  }

  expect_failures = [var.bad_requests]
}

run "bad_requests_are_looked_at_for_a_day_at_most" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    bad_requests = { minutes = 1441 }
  }

  expect_failures = [var.bad_requests]
}

run "one_bad_minute_is_not_enough" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    bad_requests = { datapoints = 1 }
  }

  expect_failures = [var.bad_requests]
}

run "a_latency_is_above_0" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    latency = { above_seconds = 0 }
  }

  expect_failures = [var.latency]
}

run "a_percentile_is_at_most_100" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    latency = { percentile = 101 }
  }

  expect_failures = [var.latency]
}

run "slow_minutes_are_at_most_those_looked_at" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    latency = { minutes = 2 }
  }

  expect_failures = [var.latency]
}

run "something_guards_a_color" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    bad_requests    = null
    latency         = null
    unhealthy_hosts = null
  }

  expect_failures = [var.unhealthy_hosts]
}

run "something_guards_a_color_of_flows" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    load_balancer   = { type = "network", arn_suffix = "net/web/f07e6b5d4c3a2918" }
    unhealthy_hosts = null
  }

  expect_failures = [var.unhealthy_hosts]
}

run "hosts_are_counted_in_whole_numbers" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    unhealthy_hosts = { above = 0.5 }
  }

  expect_failures = [var.unhealthy_hosts]
}

run "unhealthy_minutes_are_whole" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    unhealthy_hosts = { minutes = 2.5 }
  }

  expect_failures = [var.unhealthy_hosts]
}

run "requests_are_not_counted_by_resets" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    resets = { above = 10 }
  }

  expect_failures = [var.resets]
}

run "resets_are_counted_in_whole_numbers" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    load_balancer = { type = "network", arn_suffix = "net/web/f07e6b5d4c3a2918" }
    resets        = { above = -1 }
  }

  expect_failures = [var.resets]
}

run "minutes_with_resets_are_at_least_one" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    load_balancer = { type = "network", arn_suffix = "net/web/f07e6b5d4c3a2918" }
    resets        = { above = 10, datapoints = 0 }
  }

  expect_failures = [var.resets]
}

run "an_action_is_an_arn" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    actions = ["ops"]
  }

  expect_failures = [var.actions]
}

run "without_a_composite_alarm_nobody_is_told" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    actions   = ["arn:aws:sns:eu-central-1:123456789012:ops"]
    composite = false
  }

  expect_failures = [var.actions]
}
