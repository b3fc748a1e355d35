# Every validation of `capacity`, `task` and `network`, refusing.
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

run "tasks_run_on_fargate_or_ec2" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    capacity = { launch_type = "EXTERNAL" }
  }

  expect_failures = [var.capacity]
}

run "fargate_takes_no_group_of_instances" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    capacity = { providers = [{ name = "FARGATE" }, { name = "workers" }] }
  }

  expect_failures = [var.capacity]
}

run "ec2_takes_no_fargate" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    capacity = { launch_type = "EC2", providers = [{ name = "FARGATE_SPOT" }] }
  }

  expect_failures = [var.capacity]
}

run "a_weight_ends_at_1000" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    capacity = { providers = [{ name = "FARGATE", weight = 1001 }] }
  }

  expect_failures = [var.capacity]
}

run "a_weight_is_not_negative" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    capacity = { providers = [{ name = "FARGATE", weight = -1 }, { name = "FARGATE_SPOT" }] }
  }

  expect_failures = [var.capacity]
}

run "a_base_is_not_negative" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    capacity = { providers = [{ name = "FARGATE", base = -1 }] }
  }

  expect_failures = [var.capacity]
}

run "a_base_ends_at_100000" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    capacity = { providers = [{ name = "FARGATE", base = 100001 }] }
  }

  expect_failures = [var.capacity]
}

run "some_capacity_provider_has_a_weight" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    capacity = { providers = [{ name = "FARGATE", weight = 0 }] }
  }

  expect_failures = [var.capacity]
}

run "one_capacity_provider_has_a_base" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    capacity = { providers = [{ name = "FARGATE", base = 1 }, { name = "FARGATE_SPOT", base = 1 }] }
  }

  expect_failures = [var.capacity]
}

run "ec2_has_no_platform_version" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    capacity = { launch_type = "EC2", platform_version = "1.4.0" }
  }

  expect_failures = [var.capacity]
}

run "fargate_has_no_such_task" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    task = { cpu = 256, memory = 4096 }
  }

  expect_failures = [var.task]
}

run "fargate_has_no_task_between_its_steps" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    task = { cpu = 512, memory = 1536 }
  }

  expect_failures = [var.task]
}

run "fargate_has_no_such_cpu" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    task = { cpu = 300, memory = 1024 }
  }

  expect_failures = [var.task]
}

run "a_task_has_an_eighth_of_a_cpu" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    capacity = { launch_type = "EC2" }
    task     = { cpu = 127 }
  }

  expect_failures = [var.task]
}

run "cpu_is_whole" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    capacity = { launch_type = "EC2" }
    task     = { cpu = 256.5 }
  }

  expect_failures = [var.task]
}

run "a_task_has_memory" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    capacity = { launch_type = "EC2" }
    task     = { memory = 3 }
  }

  expect_failures = [var.task]
}

run "memory_is_whole" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    capacity = { launch_type = "EC2" }
    task     = { memory = 512.5 }
  }

  expect_failures = [var.task]
}

run "an_architecture_is_one_of_two" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    task = { architecture = "RISCV" }
  }

  expect_failures = [var.task]
}

run "disk_begins_above_what_fargate_gives" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    task = { ephemeral_storage_gib = 20 }
  }

  expect_failures = [var.task]
}

run "disk_ends_at_200" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    task = { ephemeral_storage_gib = 201 }
  }

  expect_failures = [var.task]
}

run "ec2_has_the_disk_of_its_instances" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    capacity = { launch_type = "EC2" }
    task     = { ephemeral_storage_gib = 40 }
  }

  expect_failures = [var.task]
}

run "a_vpc_is_named_by_its_id" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    network = { vpc_id = "web", subnet_ids = ["subnet-a"], load_balancer_security_group_id = "sg-load-balancer" }
  }

  expect_failures = [var.network]
}

run "tasks_are_in_a_subnet" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    network = { vpc_id = "vpc-1", subnet_ids = [], load_balancer_security_group_id = "sg-load-balancer" }
  }

  expect_failures = [var.network]
}

run "tasks_are_in_16_subnets_at_most" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    network = { vpc_id = "vpc-1", subnet_ids = [for index in range(17) : "subnet-${index}"], load_balancer_security_group_id = "sg-load-balancer" }
  }

  expect_failures = [var.network]
}

run "tasks_on_ec2_have_no_public_address" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    capacity = { launch_type = "EC2" }
    network  = { vpc_id = "vpc-0123456789abcdef0", subnet_ids = ["subnet-a", "subnet-b"], load_balancer_security_group_id = "sg-load-balancer", assign_public_ip = true }
  }

  expect_failures = [var.network]
}

run "a_task_is_in_five_groups_at_most" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    network = { vpc_id = "vpc-0123456789abcdef0", subnet_ids = ["subnet-a", "subnet-b"], load_balancer_security_group_id = "sg-load-balancer", security_group_ids = ["sg-1", "sg-2", "sg-3", "sg-4", "sg-5"] }
  }

  expect_failures = [var.network]
}

run "a_way_out_leads_somewhere" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    network = { vpc_id = "vpc-0123456789abcdef0", subnet_ids = ["subnet-a", "subnet-b"], load_balancer_security_group_id = "sg-load-balancer", egress = { lost = { port = 443 } } }
  }

  expect_failures = [var.network]
}

run "a_way_out_leads_to_one_place" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    network = { vpc_id = "vpc-0123456789abcdef0", subnet_ids = ["subnet-a", "subnet-b"], load_balancer_security_group_id = "sg-load-balancer", egress = { both = { port = 443, cidr_block = "0.0.0.0/0", security_group_id = "sg-1" } } }
  }

  expect_failures = [var.network]
}

run "a_way_out_begins_at_port_1" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    network = { vpc_id = "vpc-0123456789abcdef0", subnet_ids = ["subnet-a", "subnet-b"], load_balancer_security_group_id = "sg-load-balancer", egress = { zero = { port = 0, cidr_block = "0.0.0.0/0" } } }
  }

  expect_failures = [var.network]
}

run "a_way_out_ends_at_port_65535" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    network = { vpc_id = "vpc-0123456789abcdef0", subnet_ids = ["subnet-a", "subnet-b"], load_balancer_security_group_id = "sg-load-balancer", egress = { high = { port = 65536, cidr_block = "0.0.0.0/0" } } }
  }

  expect_failures = [var.network]
}

run "a_way_out_has_a_whole_port" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    network = { vpc_id = "vpc-0123456789abcdef0", subnet_ids = ["subnet-a", "subnet-b"], load_balancer_security_group_id = "sg-load-balancer", egress = { half = { port = 443.5, cidr_block = "0.0.0.0/0" } } }
  }

  expect_failures = [var.network]
}
