# Every validation of `autoscaling` and `deployment`, refusing.
# They run on tests/inputs, the variables.tf of the module and nothing else, so that no provider starts.

variables {
  name       = "web"
  route_arns = ["rule"]
  container  = { image = "registry.example/web:1.4.1" }

  network = {
    vpc_id                          = "vpc-0123456789abcdef0"
    subnet_ids                      = ["subnet-a", "subnet-b"]
    load_balancer_security_group_id = "sg-load-balancer"
  }

  target_groups = {
    blue  = { arn = "targetgroup/web-blue", arn_suffix = "targetgroup/web-blue/1" }
    green = { arn = "targetgroup/web-green", arn_suffix = "targetgroup/web-green/2" }
  }
}

run "a_maximum_is_not_below_the_beginning" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    initial     = { blue = 4 }
    autoscaling = { maximum = 3 }
  }

  expect_failures = [var.autoscaling]
}

run "a_maximum_is_not_below_the_beginning_of_green" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    initial     = { green = 4 }
    autoscaling = { maximum = 3 }
  }

  expect_failures = [var.autoscaling]
}

run "a_maximum_lets_a_task_run" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    initial     = { blue = 0 }
    autoscaling = { maximum = 0 }
  }

  expect_failures = [var.autoscaling]
}

run "a_maximum_is_whole" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    autoscaling = { maximum = 3.5 }
  }

  expect_failures = [var.autoscaling]
}

run "cpu_is_kept_above_nothing" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    autoscaling = { maximum = 4, cpu_percent = 0 }
  }

  expect_failures = [var.autoscaling]
}

run "cpu_is_kept_within_100_percent" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    autoscaling = { maximum = 4, cpu_percent = 101 }
  }

  expect_failures = [var.autoscaling]
}

run "requests_are_kept_above_nothing" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    autoscaling = { maximum = 4, requests_per_target = { target = 0, load_balancer_arn_suffix = "app/web/1" } }
  }

  expect_failures = [var.autoscaling]
}

run "a_network_load_balancer_counts_no_requests" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    autoscaling = { maximum = 4, requests_per_target = { target = 10, load_balancer_arn_suffix = "net/web/1" } }
  }

  expect_failures = [var.autoscaling]
}

run "scaling_in_does_not_cool_down_backwards" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    autoscaling = { maximum = 4, scale_in_cooldown_seconds = -1 }
  }

  expect_failures = [var.autoscaling]
}

run "scaling_out_does_not_cool_down_backwards" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    autoscaling = { maximum = 4, scale_out_cooldown_seconds = -1 }
  }

  expect_failures = [var.autoscaling]
}

run "fewer_than_no_tasks_are_none" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    deployment = { minimum_percent = -1 }
  }

  expect_failures = [var.deployment]
}

run "a_minimum_is_no_more_than_what_is_desired" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    deployment = { minimum_percent = 101 }
  }

  expect_failures = [var.deployment]
}

run "a_maximum_is_no_less_than_what_is_desired" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    deployment = { minimum_percent = 50, maximum_percent = 99, zone_rebalancing = false }
  }

  expect_failures = [var.deployment]
}

run "a_maximum_ends_at_ten_times" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    deployment = { maximum_percent = 1001 }
  }

  expect_failures = [var.deployment]
}

run "a_deployment_needs_room" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    deployment = { maximum_percent = 100, zone_rebalancing = false }
  }

  expect_failures = [var.deployment]
}

run "a_task_that_moves_needs_room" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    deployment = { minimum_percent = 50, maximum_percent = 100 }
  }

  expect_failures = [var.deployment]
}

run "grace_is_not_negative" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    deployment = { health_check_grace_seconds = -1 }
  }

  expect_failures = [var.deployment]
}

run "grace_ends_where_ecs_ends_it" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    deployment = { health_check_grace_seconds = 2147483648 }
  }

  expect_failures = [var.deployment]
}
