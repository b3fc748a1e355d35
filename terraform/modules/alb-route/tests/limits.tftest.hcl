# What AWS just takes is taken.
# They run on tests/inputs, the variables.tf of the module and nothing else, so that no provider starts.
variables {
  name         = "web"
  listener_arn = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:listener/app/web/50dc6c495c0c9188/f2f7dc8efc522ab2"

  target_groups = {
    blue  = { arn = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/web-blue/73e2d6bc24d8a067" }
    green = { arn = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/web-green/09966783158cda59" }
  }
}

run "the_least" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    name       = "w"
    priority   = 1
    stickiness = { duration_seconds = 1 }
    conditions = { path_patterns = ["*"] }
  }
}

run "the_most" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    priority   = 50000
    stickiness = { duration_seconds = 604800 }

    conditions = {
      path_patterns = ["/img/*.~$'\"@:+&?"]
      host_headers  = ["*.example.com"]
      http_headers  = [{ name = "User-Agent", values = ["*Chrome*"] }]
      query_strings = [{ value = format("%0128d", 0) }]
      source_ips    = ["203.0.113.7/32"]
    }
  }
}

run "five_values_of_one_kind" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    conditions = { methods = ["GET", "HEAD", "POST", "PUT", "M-SEARCH"] }
  }
}

run "a_server_certificate_of_iam_in_another_partition" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    listener_arn = null

    listener = {
      load_balancer_arn  = "arn:aws-cn:elasticloadbalancing:cn-north-1:123456789012:loadbalancer/app/web/50dc6c495c0c9188"
      port               = 65535
      protocol           = "HTTPS"
      certificate_arn    = "arn:aws-cn:iam::123456789012:server-certificate/web"
      redirect_http_port = 443
    }
  }
}

run "the_least_before_a_route" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    priority           = 3
    test_routes        = { header_name = "x" }
    test_header_values = { blue = "!", green = "~" }
  }
}

run "the_most_of_a_test_route" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    priority           = 50000
    test_routes        = { header_name = format("x%039d", 0), priorities = { blue = 49999, green = 1 } }
    test_header_values = { blue = format("%0128d", 0), green = format("%0128d", 1) }
    conditions         = { methods = ["GET", "HEAD", "POST", "PUT"] }
  }
}
