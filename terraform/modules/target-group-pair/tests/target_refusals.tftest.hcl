# Every validation of `targets`, refusing.
# They run on tests/inputs, the variables.tf of the module and nothing else, so that no provider starts.
variables {
  name   = "web"
  vpc_id = "vpc-0123456789abcdef0"
  port   = 8080
}

run "an_ip_target_is_an_address" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    targets = { blue = { one = { id = "i-0123456789abcdef0" } } }
  }

  expect_failures = [var.targets]
}

run "an_ip_target_is_not_loopback" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    targets = { blue = { one = { id = "127.0.0.1" } } }
  }

  expect_failures = [var.targets]
}

run "an_instance_target_is_an_instance_id" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    target_type = "instance"
    targets     = { blue = { one = { id = "10.0.1.11" } } }
  }

  expect_failures = [var.targets]
}

run "a_target_port_is_a_port" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    targets = { blue = { one = { id = "10.0.1.11", port = 70000 } } }
  }

  expect_failures = [var.targets]
}

run "a_target_stands_on_one_side" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    targets = {
      blue  = { one = { id = "10.0.1.11" } }
      green = { one = { id = "10.0.1.11", port = 8080 } }
    }
  }

  expect_failures = [var.targets]
}
