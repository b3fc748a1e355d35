# Every validation of `authentication` and its secret, refusing.
# They run on tests/inputs, the variables.tf of the module and nothing else, so that no provider starts.
variables {
  name         = "web"
  listener_arn = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:listener/app/web/50dc6c495c0c9188/f2f7dc8efc522ab2"

  target_groups = {
    blue  = { arn = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/web-blue/73e2d6bc24d8a067" }
    green = { arn = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/web-green/09966783158cda59" }
  }
}

run "authentication_has_a_kind" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    authentication = {}
  }

  expect_failures = [var.authentication]
}

run "a_session_lasts_a_second" {
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
    }
    authentication = {
      cognito = {
        user_pool_arn           = "arn:aws:cognito-idp:eu-central-1:123456789012:userpool/eu-central-1_web"
        user_pool_client_id     = "client"
        user_pool_domain        = "web"
        session_timeout_seconds = 0
      }
    }
  }

  expect_failures = [var.authentication]
}

run "a_session_ends_after_a_week" {
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
    }
    authentication = {
      cognito = {
        user_pool_arn           = "arn:aws:cognito-idp:eu-central-1:123456789012:userpool/eu-central-1_web"
        user_pool_client_id     = "client"
        user_pool_domain        = "web"
        session_timeout_seconds = 604801
      }
    }
  }

  expect_failures = [var.authentication]
}

run "the_unauthenticated_are_let_in_or_not" {
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
    }
    authentication = {
      cognito = {
        user_pool_arn              = "arn:aws:cognito-idp:eu-central-1:123456789012:userpool/eu-central-1_web"
        user_pool_client_id        = "client"
        user_pool_domain           = "web"
        on_unauthenticated_request = "redirect"
      }
    }
  }

  expect_failures = [var.authentication]
}

run "a_user_pool_is_named_by_its_arn" {
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
    }
    authentication = {
      cognito = {
        user_pool_arn       = "eu-central-1_web"
        user_pool_client_id = "client"
        user_pool_domain    = "web"
      }
    }
  }

  expect_failures = [var.authentication]
}

run "an_endpoint_is_a_whole_url" {
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
    }
    oidc_client_secret = "s3cret"
    authentication = {
      oidc = {
        issuer                 = "https://id.example.com"
        authorization_endpoint = "https://id.example.com/authorize"
        token_endpoint         = "id.example.com/token"
        user_info_endpoint     = "https://id.example.com/user"
        client_id              = "web"
      }
    }
  }

  expect_failures = [var.authentication]
}

run "oidc_needs_a_secret" {
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
    }
    authentication = {
      oidc = {
        issuer                 = "https://id.example.com"
        authorization_endpoint = "https://id.example.com/authorize"
        token_endpoint         = "https://id.example.com/token"
        user_info_endpoint     = "https://id.example.com/user"
        client_id              = "web"
      }
    }
  }

  expect_failures = [var.oidc_client_secret]
}

run "a_secret_needs_oidc" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    oidc_client_secret = "s3cret"
  }

  expect_failures = [var.oidc_client_secret]
}
