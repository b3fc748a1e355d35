# What AWS just takes is taken.
# They run on tests/inputs, the variables.tf of the module and nothing else, so that no provider starts.
variables {
  name              = "web"
  load_balancer_arn = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:loadbalancer/net/web/f07e6b5d4c3a2918"
  port              = 443

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
    name                     = "w"
    port                     = 1
    tcp_idle_timeout_seconds = 60
  }
}

run "the_most" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    port                     = 65535
    tcp_idle_timeout_seconds = 6000
  }
}

run "a_server_certificate_of_iam_in_another_partition" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    load_balancer_arn = "arn:aws-cn:elasticloadbalancing:cn-north-1:123456789012:loadbalancer/net/web/f07e6b5d4c3a2918"
    protocol          = "TLS"
    certificate_arn   = "arn:aws-cn:iam::123456789012:server-certificate/web"
    alpn_policy       = "None"
  }
}
