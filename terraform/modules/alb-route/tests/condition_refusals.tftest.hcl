# Every validation of `conditions`, refusing.
# They run on tests/inputs, the variables.tf of the module and nothing else, so that no provider starts.
variables {
  name         = "web"
  listener_arn = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:listener/app/web/50dc6c495c0c9188/f2f7dc8efc522ab2"

  target_groups = {
    blue  = { arn = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/web-blue/73e2d6bc24d8a067" }
    green = { arn = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/web-green/09966783158cda59" }
  }
}

run "there_is_a_condition" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    conditions = {}
  }

  expect_failures = [var.conditions]
}

run "conditions_have_five_values_in_all" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    conditions = { path_patterns = ["/a", "/b", "/c"], methods = ["GET", "POST"], query_strings = [{ value = "x" }] }
  }

  expect_failures = [var.conditions]
}

run "header_values_count_as_well" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    conditions = { http_headers = [{ name = "x-a", values = ["1", "2", "3"] }, { name = "x-b", values = ["1", "2", "3"] }] }
  }

  expect_failures = [var.conditions]
}

run "a_path_begins_with_a_slash" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    conditions = { path_patterns = ["api/*"] }
  }

  expect_failures = [var.conditions]
}

run "a_path_has_no_spaces" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    conditions = { path_patterns = ["/a b"] }
  }

  expect_failures = [var.conditions]
}

run "a_host_has_no_port" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    conditions = { host_headers = ["www.example.com:80"] }
  }

  expect_failures = [var.conditions]
}

run "a_header_has_a_value" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    conditions = { http_headers = [{ name = "x-a", values = [] }] }
  }

  expect_failures = [var.conditions]
}

run "a_header_name_has_no_colon" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    conditions = { http_headers = [{ name = "x:a", values = ["1"] }] }
  }

  expect_failures = [var.conditions]
}

run "the_host_header_has_a_condition_of_its_own" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    conditions = { http_headers = [{ name = "Host", values = ["www.example.com"] }] }
  }

  expect_failures = [var.conditions]
}

run "a_query_string_has_a_value" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    conditions = { query_strings = [{ key = "beta", value = "" }] }
  }

  expect_failures = [var.conditions]
}

run "a_source_is_a_block" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    conditions = { source_ips = ["203.0.113.7"] }
  }

  expect_failures = [var.conditions]
}

run "a_method_is_in_capitals" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    conditions = { methods = ["get"] }
  }

  expect_failures = [var.conditions]
}
