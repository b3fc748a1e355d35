# Every validation of `container`, refusing.
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

run "a_container_has_a_name" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    container = { image = "registry.example/web:1.4.1", name = "" }
  }

  expect_failures = [var.container]
}

run "an_image_has_no_scheme" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    container = { image = "https://registry.example/web:1.4.1" }
  }

  expect_failures = [var.container]
}

run "there_is_an_image" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    container = { image = "" }
  }

  expect_failures = [var.container]
}

run "an_image_has_an_end" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    container = { image = "registry.example/wwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwww" }
  }

  expect_failures = [var.container]
}

run "a_container_listens_on_a_port" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    container = { image = "registry.example/web:1.4.1", port = 0 }
  }

  expect_failures = [var.container]
}

run "a_health_check_port_is_a_port" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    container = { image = "registry.example/web:1.4.1", health_check_port = 65536 }
  }

  expect_failures = [var.container]
}

run "a_port_is_whole" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    container = { image = "registry.example/web:1.4.1", port = 8080.5 }
  }

  expect_failures = [var.container]
}

run "a_variable_has_no_equals_sign" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    container = { image = "registry.example/web:1.4.1", environment = { "A=B" = "1" } }
  }

  expect_failures = [var.container]
}

run "a_secret_is_in_a_variable_with_a_name" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    container = { image = "registry.example/web:1.4.1", secrets = { "" = "arn:aws:ssm:eu-central-1:123456789012:parameter/a" } }
  }

  expect_failures = [var.container]
}

run "a_variable_is_a_secret_or_not" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    container = { image = "registry.example/web:1.4.1", environment = { TOKEN = "1" }, secrets = { TOKEN = "arn:aws:ssm:eu-central-1:123456789012:parameter/a" } }
  }

  expect_failures = [var.container]
}

run "a_secret_is_never_written_here" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    container = { image = "registry.example/web:1.4.1", secrets = { TOKEN = "s3cr3t" } }
  }

  expect_failures = [var.container]
}

run "a_secret_is_in_no_bucket" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    container = { image = "registry.example/web:1.4.1", secrets = { TOKEN = "arn:aws:s3:::bucket/key" } }
  }

  expect_failures = [var.container]
}

run "a_registry_is_opened_by_a_secret" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    container = { image = "registry.example/web:1.4.1", registry_secret_arn = "user:password" }
  }

  expect_failures = [var.container]
}

run "a_container_has_time_to_stop" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    container = { image = "registry.example/web:1.4.1", stop_timeout_seconds = 1 }
  }

  expect_failures = [var.container]
}

run "fargate_waits_two_minutes_for_a_container_to_stop" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    container = { image = "registry.example/web:1.4.1", stop_timeout_seconds = 121 }
  }

  expect_failures = [var.container]
}

run "a_health_command_says_how_it_is_run" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    container = { image = "registry.example/web:1.4.1", health = { command = ["curl", "-f"] } }
  }

  expect_failures = [var.container]
}

run "a_health_command_is_more_than_how_it_is_run" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    container = { image = "registry.example/web:1.4.1", health = { command = ["CMD-SHELL"] } }
  }

  expect_failures = [var.container]
}

run "there_is_a_health_command" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    container = { image = "registry.example/web:1.4.1", health = { command = [] } }
  }

  expect_failures = [var.container]
}

run "health_interval_seconds_is_not_too_short" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    container = { image = "registry.example/web:1.4.1", health = { command = ["CMD", "true"], interval_seconds = 4 } }
  }

  expect_failures = [var.container]
}

run "health_interval_seconds_is_not_too_long" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    container = { image = "registry.example/web:1.4.1", health = { command = ["CMD", "true"], interval_seconds = 301 } }
  }

  expect_failures = [var.container]
}

run "health_timeout_seconds_is_not_too_short" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    container = { image = "registry.example/web:1.4.1", health = { command = ["CMD", "true"], timeout_seconds = 1 } }
  }

  expect_failures = [var.container]
}

run "health_timeout_seconds_is_not_too_long" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    container = { image = "registry.example/web:1.4.1", health = { command = ["CMD", "true"], timeout_seconds = 61 } }
  }

  expect_failures = [var.container]
}

run "health_retries_is_not_too_short" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    container = { image = "registry.example/web:1.4.1", health = { command = ["CMD", "true"], retries = 0 } }
  }

  expect_failures = [var.container]
}

run "health_retries_is_not_too_long" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    container = { image = "registry.example/web:1.4.1", health = { command = ["CMD", "true"], retries = 11 } }
  }

  expect_failures = [var.container]
}

run "health_grace_seconds_is_not_too_short" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    container = { image = "registry.example/web:1.4.1", health = { command = ["CMD", "true"], grace_seconds = -1 } }
  }

  expect_failures = [var.container]
}

run "health_grace_seconds_is_not_too_long" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    container = { image = "registry.example/web:1.4.1", health = { command = ["CMD", "true"], grace_seconds = 301 } }
  }

  expect_failures = [var.container]
}
