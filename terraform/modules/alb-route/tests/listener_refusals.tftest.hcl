# Every validation of `listener_arn` and `listener`, refusing.
# They run on tests/inputs, the variables.tf of the module and nothing else, so that no provider starts.
variables {
  name         = "web"
  listener_arn = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:listener/app/web/50dc6c495c0c9188/f2f7dc8efc522ab2"

  target_groups = {
    blue  = { arn = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/web-blue/73e2d6bc24d8a067" }
    green = { arn = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/web-green/09966783158cda59" }
  }
}

run "a_route_has_a_listener" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    listener_arn = null
  }

  expect_failures = [var.listener_arn]
}

run "a_route_has_one_listener" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    listener = {
      load_balancer_arn = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:loadbalancer/app/web/50dc6c495c0c9188"
    }
  }

  expect_failures = [var.listener_arn]
}

run "a_given_listener_belongs_to_an_application_load_balancer" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    listener_arn = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:listener/net/web/1/2"
  }

  expect_failures = [var.listener_arn]
}

run "a_listener_speaks_http_or_https" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    listener_arn = null
    listener = {
      load_balancer_arn = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:loadbalancer/app/web/50dc6c495c0c9188"
      protocol          = "TLS"
    }
  }

  expect_failures = [var.listener]
}

run "a_listener_port_is_a_port" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    listener_arn = null
    listener = {
      load_balancer_arn = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:loadbalancer/app/web/50dc6c495c0c9188"
      port              = 0
    }
  }

  expect_failures = [var.listener]
}

run "a_redirect_port_is_a_port" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    listener_arn = null
    listener = {
      load_balancer_arn  = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:loadbalancer/app/web/50dc6c495c0c9188"
      protocol           = "HTTPS"
      certificate_arn    = "arn:aws:acm:eu-central-1:123456789012:certificate/0b6d0a3c"
      redirect_http_port = 65536
    }
  }

  expect_failures = [var.listener]
}

run "unmatched_requests_get_404_or_503" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    listener_arn = null
    listener = {
      load_balancer_arn = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:loadbalancer/app/web/50dc6c495c0c9188"
      unmatched_status  = 200
    }
  }

  expect_failures = [var.listener]
}

run "https_needs_a_certificate" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    listener_arn = null
    listener = {
      load_balancer_arn = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:loadbalancer/app/web/50dc6c495c0c9188"
      protocol          = "HTTPS"
    }
  }

  expect_failures = [var.listener]
}

run "a_certificate_is_named_by_its_arn" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    listener_arn = null
    listener = {
      load_balancer_arn = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:loadbalancer/app/web/50dc6c495c0c9188"
      protocol          = "HTTPS"
      certificate_arn   = "web.example.com"
    }
  }

  expect_failures = [var.listener]
}

run "http_takes_no_certificate" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    listener_arn = null
    listener = {
      load_balancer_arn = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:loadbalancer/app/web/50dc6c495c0c9188"
      certificate_arn   = "arn:aws:acm:eu-central-1:123456789012:certificate/0b6d0a3c"
    }
  }

  expect_failures = [var.listener]
}

run "http_takes_no_policy" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    listener_arn = null
    listener = {
      load_balancer_arn = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:loadbalancer/app/web/50dc6c495c0c9188"
      ssl_policy        = "ELBSecurityPolicy-TLS13-1-2-2021-06"
    }
  }

  expect_failures = [var.listener]
}

run "a_policy_is_a_predefined_one" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    listener_arn = null
    listener = {
      load_balancer_arn = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:loadbalancer/app/web/50dc6c495c0c9188"
      protocol          = "HTTPS"
      certificate_arn   = "arn:aws:acm:eu-central-1:123456789012:certificate/0b6d0a3c"
      ssl_policy        = "modern"
    }
  }

  expect_failures = [var.listener]
}

run "a_redirect_leads_to_https" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    listener_arn = null
    listener = {
      load_balancer_arn  = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:loadbalancer/app/web/50dc6c495c0c9188"
      redirect_http_port = 8080
    }
  }

  expect_failures = [var.listener]
}

run "a_redirect_has_a_port_of_its_own" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    listener_arn = null
    listener = {
      load_balancer_arn  = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:loadbalancer/app/web/50dc6c495c0c9188"
      protocol           = "HTTPS"
      certificate_arn    = "arn:aws:acm:eu-central-1:123456789012:certificate/0b6d0a3c"
      redirect_http_port = 443
    }
  }

  expect_failures = [var.listener]
}
