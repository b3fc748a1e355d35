# Every validation of the module but those of the files beside this one, refusing.
# They run on tests/inputs, the variables.tf of the module and nothing else, so that no provider starts.

variables {
  name       = "web"
  route_arns = ["rule"]
  container  = { image = "registry.example/web:1.4.1" }

  network = {
    vpc_id                          = "vpc-0123456789abcdef0"
    subnet_ids                      = ["subnet-a", "subnet-b"]
    load_balancer_security_group_id = "sg-load-balancer"
  }

  target_groups = {
    blue  = { arn = "targetgroup/web-blue", arn_suffix = "targetgroup/web-blue/1" }
    green = { arn = "targetgroup/web-green", arn_suffix = "targetgroup/web-green/2" }
  }
}

run "a_name_ends_in_no_hyphen" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    name = "web-"
  }

  expect_failures = [var.name]
}

run "a_name_leaves_room_for_its_color" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    name = "wwwwwwwwwwwwwwwwwwwwwwwwwww"
  }

  expect_failures = [var.name]
}

run "a_cluster_is_named" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    cluster = { name = "" }
  }

  expect_failures = [var.cluster]
}

run "a_cluster_is_no_arn_of_something_else" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    cluster = { name = "arn:aws:ecs:eu-central-1:123456789012:service/prod/web" }
  }

  expect_failures = [var.cluster]
}

run "insights_are_a_word_of_three" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    container_insights = "on"
  }

  expect_failures = [var.container_insights]
}

run "the_colors_have_two_target_groups" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    target_groups = { blue = { arn = "one", arn_suffix = "targetgroup/web-blue/1" }, green = { arn = "one", arn_suffix = "targetgroup/web-green/2" } }
  }

  expect_failures = [var.target_groups]
}

run "there_is_a_route" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    route_arns = []
  }

  expect_failures = [var.route_arns]
}

run "a_count_is_not_negative" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    initial = { green = -1 }
  }

  expect_failures = [var.initial]
}

run "a_count_is_whole" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    initial = { blue = 1.5 }
  }

  expect_failures = [var.initial]
}

run "logs_are_kept_as_long_as_cloudwatch_can" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    logs = { retention_days = 31 }
  }

  expect_failures = [var.logs]
}

run "logs_are_encrypted_by_a_key" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    logs = { kms_key_arn = "arn:aws:kms:eu-central-1:123456789012:alias/web" }
  }

  expect_failures = [var.logs]
}

run "a_policy_is_named_by_its_arn" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    roles = { task_policy_arns = { queue = "AmazonSQSReadOnlyAccess" } }
  }

  expect_failures = [var.roles]
}

run "a_policy_of_the_execution_role_is_named_by_its_arn" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    roles = { execution_policy_arns = { files = "arn:aws:iam::123456789012:role/files" } }
  }

  expect_failures = [var.roles]
}

run "a_boundary_is_a_policy" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    roles = { permissions_boundary_arn = "boundary" }
  }

  expect_failures = [var.roles]
}

run "secrets_are_encrypted_by_a_key" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    roles = { secret_kms_key_arns = ["alias/web"] }
  }

  expect_failures = [var.roles]
}

run "a_repository_is_named_by_its_arn" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    roles = { ecr_repository_arns = ["123456789012.dkr.ecr.eu-central-1.amazonaws.com/web"] }
  }

  expect_failures = [var.roles]
}
