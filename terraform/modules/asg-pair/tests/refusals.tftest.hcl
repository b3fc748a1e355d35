# Every validation of the module, refusing; those of what an instance is stand in instance_refusals.
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

run "a_name_leaves_room_for_what_is_appended" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    name = "a-service-of-27-characters-"
  }

  expect_failures = [var.name]
}

run "a_vpc_is_told_by_its_id" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    vpc_id = "main"
  }

  expect_failures = [var.vpc_id]
}

run "there_is_a_subnet" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    subnet_ids = []
  }

  expect_failures = [var.subnet_ids]
}

run "the_sides_have_target_groups_of_their_own" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    target_groups = { blue = { arn = "arn:same" }, green = { arn = "arn:same" } }
  }

  expect_failures = [var.target_groups]
}

run "a_pair_takes_instances" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    target_groups = { blue = { arn = "arn:one", target_type = "ip" }, green = { arn = "arn:two", target_type = "ip" } }
  }

  expect_failures = [var.target_groups]
}

run "there_is_a_route_to_wait_for" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    route_arns = []
  }

  expect_failures = [var.route_arns]
}

run "a_security_group_is_told_by_its_id" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    load_balancer = { security_group_id = "web" }
  }

  expect_failures = [var.load_balancer]
}

run "there_is_a_target_port" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    target_ports = []
  }

  expect_failures = [var.target_ports]
}

run "an_image_is_told_by_its_id" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    image_id = "resolve:ssm:/web/image"
  }

  expect_failures = [var.image_id]
}

run "an_instance_type_has_a_family_and_a_size" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    instance_type = "micro"
  }

  expect_failures = [var.instance_type]
}

run "a_color_is_blue_or_green" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    initial_color = "red"
  }

  expect_failures = [var.initial_color]
}

run "a_group_of_half_an_instance" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    capacity = { min = 0.5 }
  }

  expect_failures = [var.capacity]
}

run "a_minimum_above_what_is_desired" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    capacity = { min = 3, desired = 2 }
  }

  expect_failures = [var.capacity]
}

run "a_group_that_may_hold_nothing" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    capacity = { min = 0, desired = 0, max = 0 }
  }

  expect_failures = [var.capacity]
}

run "a_scaling_by_nothing" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    scaling = {}
  }

  expect_failures = [var.scaling]
}

run "more_than_all_of_the_cpu" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    scaling = { cpu_percent = 101 }
  }

  expect_failures = [var.scaling]
}

run "no_requests_at_all" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    scaling = { requests_per_target = 0 }
  }

  expect_failures = [var.scaling]
}

run "requests_are_counted_by_load_balancer" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    scaling       = { requests_per_target = 500 }
    load_balancer = { security_group_id = "sg-0123456789abcdef0" }
  }

  expect_failures = [var.scaling]
}

run "a_grace_of_two_hours_at_most" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    health_check_grace_seconds = 7201
  }

  expect_failures = [var.health_check_grace_seconds]
}

run "a_warmup_of_an_hour_at_most" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    warmup_seconds = 3601
  }

  expect_failures = [var.warmup_seconds]
}

run "a_wait_is_a_duration" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    wait_for_capacity_timeout = "10 minutes"
  }

  expect_failures = [var.wait_for_capacity_timeout]
}

run "a_termination_policy_that_aws_knows" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    termination_policies = ["Oldest"]
  }

  expect_failures = [var.termination_policies]
}

run "user_data_of_16_kb_at_most" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    user_data = { blue = format("%16385s", ""), green = "" }
  }

  expect_failures = [var.user_data]
}
