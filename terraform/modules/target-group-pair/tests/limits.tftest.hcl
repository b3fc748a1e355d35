# What AWS just takes is taken.
# They run on tests/inputs, the variables.tf of the module and nothing else, so that no provider starts.
variables {
  name   = "web"
  vpc_id = "vpc-0123456789abcdef0"
  port   = 8080
}

run "the_least" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    name                         = "w"
    port                         = 1
    deregistration_delay_seconds = 0
    slow_start_seconds           = 30

    health_check = {
      path                = "/"
      port                = "1"
      matcher             = "200"
      interval_seconds    = 5
      timeout_seconds     = 2
      healthy_threshold   = 2
      unhealthy_threshold = 2
    }
  }
}

run "the_most" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    name                         = "a2345678901234567890123456"
    port                         = 65535
    deregistration_delay_seconds = 3600
    slow_start_seconds           = 900

    health_check = {
      path                = "/${format("%01023d", 0)}"
      port                = "65535"
      matcher             = "200,202,300-499"
      interval_seconds    = 300
      timeout_seconds     = 120
      healthy_threshold   = 10
      unhealthy_threshold = 10
    }

    targets = {
      blue  = { one = { id = "172.16.0.1", port = 1 }, two = { id = "100.64.0.1", port = 65535 } }
      green = { one = { id = "172.16.0.1", port = 2 } }
    }
  }
}

run "every_code_of_grpc" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    protocol_version = "GRPC"
    health_check     = { path = "/grpc.health.v1.Health/Check", matcher = "0-99" }
  }
}

run "every_code_of_a_check_of_flows" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    protocol     = "TCP"
    health_check = { protocol = "HTTPS", path = "/", matcher = "200-599" }
  }
}
