# The values at the ends of each range, taken.
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

run "the_least_of_everything" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    name        = "w"
    capacity    = { providers = [{ name = "FARGATE", weight = 0, base = 0 }, { name = "FARGATE_SPOT", weight = 1 }] }
    task        = { cpu = 256, memory = 512, ephemeral_storage_gib = 21 }
    container   = { name = "a", image = "web", port = 1, health_check_port = 1, stop_timeout_seconds = 2, health = { command = ["CMD", "true"], interval_seconds = 5, timeout_seconds = 2, retries = 1, grace_seconds = 0 } }
    network     = { vpc_id = "vpc-1", subnet_ids = ["subnet-a"], load_balancer_security_group_id = "sg-1", egress = { low = { port = 1, cidr_block = "10.0.0.0/8" } } }
    initial     = { blue = 0, green = 0 }
    autoscaling = { maximum = 1, cpu_percent = 1, requests_per_target = { target = 0.1, load_balancer_arn_suffix = "app/web/1" }, scale_in_cooldown_seconds = 0, scale_out_cooldown_seconds = 0 }
    deployment  = { minimum_percent = 0, maximum_percent = 100, health_check_grace_seconds = 0, zone_rebalancing = false }
    logs        = { retention_days = 1 }
  }
}

run "the_most_of_everything" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    name        = "wwwwwwwwwwwwwwwwwwwwwwwwww"
    cluster     = { name = "ccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc" }
    capacity    = { platform_version = "1.4.0", providers = [{ name = "FARGATE", weight = 1000, base = 100000 }] }
    task        = { cpu = 16384, memory = 122880, ephemeral_storage_gib = 200 }
    container   = { name = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", image = "wwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwww", port = 65535, stop_timeout_seconds = 120, health = { command = ["CMD-SHELL", "true"], interval_seconds = 300, timeout_seconds = 60, retries = 10, grace_seconds = 300 } }
    network     = { vpc_id = "vpc-1", subnet_ids = [for index in range(16) : "subnet-${index}"], load_balancer_security_group_id = "sg-1", security_group_ids = ["sg-1", "sg-2", "sg-3", "sg-4"], egress = { high = { port = 65535, security_group_id = "sg-1" } } }
    initial     = { blue = 9, green = 9 }
    autoscaling = { maximum = 9, cpu_percent = 100 }
    deployment  = { minimum_percent = 100, maximum_percent = 1000, health_check_grace_seconds = 2147483647 }
    logs        = { retention_days = 3653 }
  }
}

run "ec2_takes_what_fargate_does_not" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    capacity  = { launch_type = "EC2" }
    task      = { cpu = 128, memory = 4, architecture = "ARM64" }
    container = { image = "registry.example/web:1.4.1", stop_timeout_seconds = 600 }
  }
}

run "a_task_that_moves_needs_a_little_room" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    deployment = { maximum_percent = 101 }
  }
}

run "fargate_has_256_with_1024" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    task = { cpu = 256, memory = 1024 }
  }
}

run "fargate_has_256_with_2048" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    task = { cpu = 256, memory = 2048 }
  }
}

run "fargate_has_512_with_1024" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    task = { cpu = 512, memory = 1024 }
  }
}

run "fargate_has_512_with_4096" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    task = { cpu = 512, memory = 4096 }
  }
}

run "fargate_has_1024_with_2048" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    task = { cpu = 1024, memory = 2048 }
  }
}

run "fargate_has_1024_with_8192" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    task = { cpu = 1024, memory = 8192 }
  }
}

run "fargate_has_2048_with_4096" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    task = { cpu = 2048, memory = 4096 }
  }
}

run "fargate_has_2048_with_16384" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    task = { cpu = 2048, memory = 16384 }
  }
}

run "fargate_has_4096_with_8192" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    task = { cpu = 4096, memory = 8192 }
  }
}

run "fargate_has_4096_with_30720" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    task = { cpu = 4096, memory = 30720 }
  }
}

run "fargate_has_8192_with_16384" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    task = { cpu = 8192, memory = 16384 }
  }
}

run "fargate_has_8192_with_61440" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    task = { cpu = 8192, memory = 61440 }
  }
}

run "fargate_has_16384_with_32768" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    task = { cpu = 16384, memory = 32768 }
  }
}
