# Every validation of the module, refusing.
# They run on tests/inputs, the variables.tf of the module and nothing else, so that no provider starts.
variables {
  name              = "web"
  load_balancer_arn = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:loadbalancer/net/web/f07e6b5d4c3a2918"
  port              = 443

  target_groups = {
    blue  = { arn = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/web-blue/73e2d6bc24d8a067" }
    green = { arn = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/web-green/09966783158cda59" }
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

run "a_load_balancer_is_named_by_its_arn" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    load_balancer_arn = "web"
  }

  expect_failures = [var.load_balancer_arn]
}

run "a_load_balancer_of_requests_is_none_of_flows" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    load_balancer_arn = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:loadbalancer/app/web/50dc6c495c0c9188"
  }

  expect_failures = [var.load_balancer_arn]
}

run "the_colors_have_two_target_groups" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    target_groups = { blue = { arn = "one" }, green = { arn = "one" } }
  }

  expect_failures = [var.target_groups]
}

run "requests_are_no_flows" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    target_groups = {
      blue  = { arn = "one", protocol = "HTTP" }
      green = { arn = "two", protocol = "HTTP" }
    }
  }

  expect_failures = [var.target_groups]
}

run "a_listener_that_ends_no_tls_begins_none" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    target_groups = {
      blue  = { arn = "one", protocol = "TLS" }
      green = { arn = "two", protocol = "TLS" }
    }
  }

  expect_failures = [var.target_groups]
}

run "the_initial_color_is_a_color" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    initial_color = "red"
  }

  expect_failures = [var.initial_color]
}

run "a_port_is_at_most_65535" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    port = 65536
  }

  expect_failures = [var.port]
}

run "a_protocol_is_one_of_the_two" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    protocol = "UDP"
  }

  expect_failures = [var.protocol]
}

run "tls_needs_a_certificate" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    protocol = "TLS"
  }

  expect_failures = [var.certificate_arn]
}

run "tcp_takes_no_certificate" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    certificate_arn = "arn:aws:acm:eu-central-1:123456789012:certificate/0b6d0a3c"
  }

  expect_failures = [var.certificate_arn]
}

run "a_certificate_is_named_by_its_arn" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    protocol        = "TLS"
    certificate_arn = "web"
  }

  expect_failures = [var.certificate_arn]
}

run "a_policy_is_a_predefined_one" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    protocol        = "TLS"
    certificate_arn = "arn:aws:acm:eu-central-1:123456789012:certificate/0b6d0a3c"
    ssl_policy      = "strong"
  }

  expect_failures = [var.ssl_policy]
}

run "tcp_takes_no_policy" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    ssl_policy = "ELBSecurityPolicy-TLS13-1-2-2021-06"
  }

  expect_failures = [var.ssl_policy]
}

run "an_alpn_policy_is_one_of_the_five" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    protocol        = "TLS"
    certificate_arn = "arn:aws:acm:eu-central-1:123456789012:certificate/0b6d0a3c"
    alpn_policy     = "h2"
  }

  expect_failures = [var.alpn_policy]
}

run "tcp_takes_no_alpn_policy" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    alpn_policy = "HTTP2Only"
  }

  expect_failures = [var.alpn_policy]
}

run "an_idle_timeout_is_at_least_a_minute" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    tcp_idle_timeout_seconds = 59
  }

  expect_failures = [var.tcp_idle_timeout_seconds]
}

run "an_idle_timeout_is_at_most_6000_seconds" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    tcp_idle_timeout_seconds = 6001
  }

  expect_failures = [var.tcp_idle_timeout_seconds]
}

run "tls_keeps_to_its_idle_timeout" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    protocol                 = "TLS"
    certificate_arn          = "arn:aws:acm:eu-central-1:123456789012:certificate/0b6d0a3c"
    tcp_idle_timeout_seconds = 350
  }

  expect_failures = [var.tcp_idle_timeout_seconds]
}
