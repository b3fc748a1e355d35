# Every validation of `health_check`, refusing.
# They run on tests/inputs, the variables.tf of the module and nothing else, so that no provider starts.
variables {
  name   = "web"
  vpc_id = "vpc-0123456789abcdef0"
  port   = 8080
}

run "a_health_path_begins_with_a_slash" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    health_check = { path = "healthz" }
  }

  expect_failures = [var.health_check]
}

run "a_health_port_is_a_port" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    health_check = { port = "http" }
  }

  expect_failures = [var.health_check]
}

run "a_health_protocol_is_one_of_the_two" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    health_check = { protocol = "TCP" }
  }

  expect_failures = [var.health_check]
}

run "a_matcher_holds_codes" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    health_check = { matcher = "ok" }
  }

  expect_failures = [var.health_check]
}

run "a_matcher_of_http_ends_at_499" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    health_check = { matcher = "200-599" }
  }

  expect_failures = [var.health_check]
}

run "a_matcher_of_http_begins_at_200" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    health_check = { matcher = "101" }
  }

  expect_failures = [var.health_check]
}

run "a_matcher_of_grpc_ends_at_99" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    protocol_version = "GRPC"
    health_check     = { matcher = "200" }
  }

  expect_failures = [var.health_check]
}

run "a_matcher_range_ascends" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    health_check = { matcher = "299-200" }
  }

  expect_failures = [var.health_check]
}

run "an_interval_has_five_seconds" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    health_check = { interval_seconds = 4, timeout_seconds = 2 }
  }

  expect_failures = [var.health_check]
}

run "an_interval_ends_at_five_minutes" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    health_check = { interval_seconds = 301 }
  }

  expect_failures = [var.health_check]
}

run "a_timeout_has_two_seconds" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    health_check = { timeout_seconds = 1 }
  }

  expect_failures = [var.health_check]
}

run "a_timeout_ends_at_two_minutes" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    health_check = { interval_seconds = 300, timeout_seconds = 121 }
  }

  expect_failures = [var.health_check]
}

run "a_timeout_is_shorter_than_its_interval" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    health_check = { interval_seconds = 5, timeout_seconds = 5 }
  }

  expect_failures = [var.health_check]
}

run "a_healthy_threshold_is_at_least_two" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    health_check = { healthy_threshold = 1 }
  }

  expect_failures = [var.health_check]
}

run "an_unhealthy_threshold_is_at_most_ten" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    health_check = { unhealthy_threshold = 11 }
  }

  expect_failures = [var.health_check]
}

run "flows_are_not_checked_by_udp" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    protocol     = "TCP"
    health_check = { protocol = "UDP" }
  }

  expect_failures = [var.health_check]
}

run "a_check_by_connecting_has_no_path" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    protocol     = "TCP"
    health_check = { path = "/healthz" }
  }

  expect_failures = [var.health_check]
}

run "a_check_by_connecting_has_no_matcher" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    protocol     = "TLS"
    health_check = { protocol = "TCP", matcher = "200" }
  }

  expect_failures = [var.health_check]
}

run "a_matcher_of_flows_ends_at_599" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    protocol     = "TCP"
    health_check = { protocol = "HTTP", matcher = "200-600" }
  }

  expect_failures = [var.health_check]
}
