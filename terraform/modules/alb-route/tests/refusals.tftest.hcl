# Every validation of the module, refusing; those of the listener, `conditions` and
# `authentication` stand in files of their own.
# They run on tests/inputs, the variables.tf of the module and nothing else, so that no provider starts.
variables {
  name         = "web"
  listener_arn = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:listener/app/web/50dc6c495c0c9188/f2f7dc8efc522ab2"

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

run "a_protocol_version_is_one_of_the_three" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    target_groups = {
      blue  = { arn = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/web-blue/73e2d6bc24d8a067", protocol_version = "HTTP3" }
      green = { arn = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/web-green/09966783158cda59", protocol_version = "HTTP3" }
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

run "a_priority_is_at_least_one" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    priority = 0
  }

  expect_failures = [var.priority]
}

run "a_priority_is_at_most_50000" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    priority = 50001
  }

  expect_failures = [var.priority]
}

run "stickiness_lasts_a_second" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    stickiness = { duration_seconds = 0 }
  }

  expect_failures = [var.stickiness]
}

run "stickiness_ends_after_a_week" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    stickiness = { duration_seconds = 604801 }
  }

  expect_failures = [var.stickiness]
}

run "a_pair_for_flows_is_none_for_requests" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    target_groups = {
      blue  = { arn = "one", protocol = "TCP", protocol_version = null }
      green = { arn = "two", protocol = "TCP", protocol_version = null }
    }
  }

  expect_failures = [var.target_groups]
}
