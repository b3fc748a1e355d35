# Every validation of `reserved_priorities`, refusing.
# They run on tests/inputs, the variables.tf of the module and nothing else, so that no provider starts.
variables {
  name         = "web"
  listener_arn = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:listener/app/web/50dc6c495c0c9188/f2f7dc8efc522ab2"

  target_groups = {
    blue  = { arn = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/web-blue/73e2d6bc24d8a067" }
    green = { arn = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/web-green/09966783158cda59" }
  }
}

run "reserved_priorities_are_whole_numbers_in_their_order" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    reserved_priorities = { first = 94, last = 90 }
  }

  expect_failures = [var.reserved_priorities]
}

run "reserved_priorities_come_before_the_route" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    reserved_priorities = { first = 90, last = 100 }
  }

  expect_failures = [var.reserved_priorities]
}

run "reserved_priorities_leave_out_those_of_the_test_routes" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    reserved_priorities = { first = 90, last = 98 }
    test_routes         = {}
    test_header_values  = { blue = "b1", green = "g1" }
  }

  expect_failures = [var.reserved_priorities]
}
