# Every validation of `test_routes` and `test_header_values`, refusing.
# They run on tests/inputs, the variables.tf of the module and nothing else, so that no provider starts.
variables {
  name         = "web"
  listener_arn = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:listener/app/web/50dc6c495c0c9188/f2f7dc8efc522ab2"

  target_groups = {
    blue  = { arn = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/web-blue/73e2d6bc24d8a067" }
    green = { arn = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/web-green/09966783158cda59" }
  }
}

run "a_header_has_a_name_that_no_load_balancer_drops" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    test_routes        = { header_name = "x_color" }
    test_header_values = { blue = "b1", green = "g1" }
  }

  expect_failures = [var.test_routes]
}

run "a_header_is_not_the_host" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    test_routes        = { header_name = "Host" }
    test_header_values = { blue = "b1", green = "g1" }
  }

  expect_failures = [var.test_routes]
}

run "a_header_is_not_one_that_the_route_asks_for" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    test_routes        = { header_name = "X-Beta" }
    test_header_values = { blue = "b1", green = "g1" }
    conditions         = { http_headers = [{ name = "x-beta", values = ["yes"] }] }
  }

  expect_failures = [var.test_routes]
}

run "the_header_is_one_of_five_values" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    test_routes        = {}
    test_header_values = { blue = "b1", green = "g1" }
    conditions         = { path_patterns = ["/a", "/b"], host_headers = ["a.example.com"], methods = ["GET", "HEAD"] }
  }

  expect_failures = [var.test_routes]
}

run "a_test_route_comes_before_the_route" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    test_routes        = { priorities = { blue = 99, green = 100 } }
    test_header_values = { blue = "b1", green = "g1" }
  }

  expect_failures = [var.test_routes]
}

run "a_test_priority_is_at_least_one" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    test_routes        = { priorities = { blue = 0, green = 1 } }
    test_header_values = { blue = "b1", green = "g1" }
  }

  expect_failures = [var.test_routes]
}

run "test_priorities_differ" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    test_routes        = { priorities = { blue = 7, green = 7 } }
    test_header_values = { blue = "b1", green = "g1" }
  }

  expect_failures = [var.test_routes]
}

run "there_is_room_before_the_route" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    priority           = 2
    test_routes        = {}
    test_header_values = { blue = "b1", green = "g1" }
  }

  expect_failures = [var.test_routes]
}

run "test_routes_need_values" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    test_routes = {}
  }

  expect_failures = [var.test_header_values]
}

run "values_need_test_routes" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    test_header_values = { blue = "b1", green = "g1" }
  }

  expect_failures = [var.test_header_values]
}

run "a_value_has_no_star" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    test_routes        = {}
    test_header_values = { blue = "b*", green = "g1" }
  }

  expect_failures = [var.test_header_values]
}

run "a_value_has_no_question_mark" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    test_routes        = {}
    test_header_values = { blue = "b?", green = "g1" }
  }

  expect_failures = [var.test_header_values]
}

run "a_value_has_no_backslash" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    test_routes        = {}
    test_header_values = { blue = "b\\", green = "g1" }
  }

  expect_failures = [var.test_header_values]
}

run "a_value_has_no_space" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    test_routes        = {}
    test_header_values = { blue = "b 1", green = "g1" }
  }

  expect_failures = [var.test_header_values]
}

run "a_value_has_at_most_128_characters" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    test_routes        = {}
    test_header_values = { blue = format("%0129d", 0), green = "g1" }
  }

  expect_failures = [var.test_header_values]
}

run "a_value_is_not_empty" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    test_routes        = {}
    test_header_values = { blue = "", green = "g1" }
  }

  expect_failures = [var.test_header_values]
}

run "capitals_tell_no_colors_apart" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    test_routes        = {}
    test_header_values = { blue = "Secret", green = "sEcret" }
  }

  expect_failures = [var.test_header_values]
}
