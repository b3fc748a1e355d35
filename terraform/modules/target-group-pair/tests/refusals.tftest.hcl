# Every validation of the module, refusing; those of `health_check` and `targets` stand in files of their own.
# They run on tests/inputs, the variables.tf of the module and nothing else, so that no provider starts.

variables {
  name   = "web"
  vpc_id = "vpc-0123456789abcdef0"
  port   = 8080
}

run "a_name_leaves_room_for_the_color" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    name = "a23456789012345678901234567"
  }

  expect_failures = [var.name]
}

run "a_name_ends_in_no_hyphen" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    name = "web-"
  }

  expect_failures = [var.name]
}

run "a_name_is_not_internal" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    name = "internal-web"
  }

  expect_failures = [var.name]
}

run "a_vpc_is_named_by_its_id" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    vpc_id = "web"
  }

  expect_failures = [var.vpc_id]
}

run "a_port_is_not_zero" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    port = 0
  }

  expect_failures = [var.port]
}

run "a_port_is_whole" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    port = 80.5
  }

  expect_failures = [var.port]
}

run "a_protocol_is_one_of_the_four" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    protocol = "UDP"
  }

  expect_failures = [var.protocol]
}

run "a_protocol_version_is_one_of_the_three" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    protocol_version = "HTTP3"
  }

  expect_failures = [var.protocol_version]
}

run "a_target_type_is_instance_or_ip" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    target_type = "lambda"
  }

  expect_failures = [var.target_type]
}

run "a_deregistration_delay_ends_at_an_hour" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    deregistration_delay_seconds = 3601
  }

  expect_failures = [var.deregistration_delay_seconds]
}

run "a_slow_start_is_off_or_half_a_minute" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    slow_start_seconds = 29
  }

  expect_failures = [var.slow_start_seconds]
}

run "a_slow_start_ends_at_a_quarter_of_an_hour" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    slow_start_seconds = 901
  }

  expect_failures = [var.slow_start_seconds]
}

run "flows_have_no_protocol_version" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    protocol         = "TCP"
    protocol_version = "HTTP1"
  }

  expect_failures = [var.protocol_version]
}

run "flows_have_no_slow_start" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    protocol           = "TLS"
    slow_start_seconds = 30
  }

  expect_failures = [var.slow_start_seconds]
}

run "requests_have_no_connection_termination" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    connection_termination = true
  }

  expect_failures = [var.connection_termination]
}

run "requests_have_no_client_ip_to_preserve" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    preserve_client_ip = false
  }

  expect_failures = [var.preserve_client_ip]
}

run "requests_have_no_proxy_protocol" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    proxy_protocol_v2 = true
  }

  expect_failures = [var.proxy_protocol_v2]
}
