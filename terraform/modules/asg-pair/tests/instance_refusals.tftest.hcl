# The validations of what an instance is, refusing.
# They run on tests/inputs, the variables.tf of the module and nothing else, so that no provider starts.

variables {
  name          = "web"
  vpc_id        = "vpc-0123456789abcdef0"
  subnet_ids    = ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"]
  image_id      = "ami-0123456789abcdef0"
  route_arns    = ["arn:aws:elasticloadbalancing:eu-central-1:123456789012:listener-rule/app/web/50dc6c495c0c9188/f2f7dc8efc522ab2/9683b2d02a6cabee"]
  load_balancer = { security_group_id = "sg-0123456789abcdef0", arn_suffix = "app/web/50dc6c495c0c9188" }

  target_groups = {
    blue = {
      arn         = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/web-blue/73e2d6bc24d8a067"
      arn_suffix  = "targetgroup/web-blue/73e2d6bc24d8a067"
      target_type = "instance"
    }
    green = {
      arn         = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/web-green/09966783158cda59"
      arn_suffix  = "targetgroup/web-green/09966783158cda59"
      target_type = "instance"
    }
  }
}

run "a_root_device_is_a_device" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    root_volume = { device_name = "xvda" }
  }

  expect_failures = [var.root_volume]
}

run "a_root_volume_is_gp2_or_gp3" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    root_volume = { type = "io2" }
  }

  expect_failures = [var.root_volume]
}

run "a_root_volume_of_whole_gibibytes" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    root_volume = { size_gib = 0 }
  }

  expect_failures = [var.root_volume]
}

run "a_key_is_told_by_its_arn" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    root_volume = { kms_key_arn = "alias/web" }
  }

  expect_failures = [var.root_volume]
}

run "a_policy_is_told_by_its_arn" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    role = { policy_arns = { logs = "logs" } }
  }

  expect_failures = [var.role]
}

run "a_policy_document_is_json" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    role = { policies = { queue = "allow" } }
  }

  expect_failures = [var.role]
}

run "session_manager_is_let_in_once" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    role = { ssm = true, policy_arns = { ssm-core = "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore" } }
  }

  expect_failures = [var.role]
}

run "an_egress_port_is_a_port" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    egress = [{ port = 0, cidr_block = "0.0.0.0/0" }]
  }

  expect_failures = [var.egress]
}

run "an_egress_goes_to_a_block" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    egress = [{ port = 443, cidr_block = "example.com" }]
  }

  expect_failures = [var.egress]
}

run "five_security_groups_at_most" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    security_group_ids = ["sg-1", "sg-2", "sg-3", "sg-4", "sg-5"]
  }

  expect_failures = [var.security_group_ids]
}

run "a_hop_or_two" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    metadata_hop_limit = 3
  }

  expect_failures = [var.metadata_hop_limit]
}

run "tags_that_instances_can_read" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    tags = { "cost center" = "web" }
  }

  expect_failures = [var.tags]
}
