# Every validation of the module, refusing.
# They run on tests/inputs, the variables.tf of the module and nothing else, so that no provider starts.

variables {
  name = "web"
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

run "a_block_leaves_room_for_two_subnets" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    cidr_block = "10.0.0.0/25"
  }

  expect_failures = [var.cidr_block]
}

run "a_block_is_no_wider_than_a_vpc" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    cidr_block = "10.0.0.0/8"
  }

  expect_failures = [var.cidr_block]
}

run "a_block_is_named_by_its_first_address" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    cidr_block = "10.0.0.1/16"
  }

  expect_failures = [var.cidr_block]
}

run "a_listener_port_is_a_port" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    listener_ports = [0]
  }

  expect_failures = [var.listener_ports]
}

run "an_origin_is_a_block" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    ingress_cidr_blocks = ["203.0.113.7"]
  }

  expect_failures = [var.ingress_cidr_blocks]
}

run "a_target_port_is_a_port" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    target_ports = [65536]
  }

  expect_failures = [var.target_ports]
}

run "there_is_a_target_port" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    target_ports = []
  }

  expect_failures = [var.target_ports]
}
