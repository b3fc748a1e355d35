# What a pair of services is made of.
mock_provider "aws" {
  override_during = plan

  mock_data "aws_region" {
    defaults = { id = "eu-central-1" }
  }

  mock_data "aws_caller_identity" {
    defaults = { account_id = "123456789012" }
  }

  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }

  override_resource {
    target = aws_ecs_cluster.this["own"]
    values = { arn = "arn:aws:ecs:eu-central-1:123456789012:cluster/web" }
  }

  override_resource {
    target = aws_ecs_task_definition.this
    values = { arn = "arn:aws:ecs:eu-central-1:123456789012:task-definition/web:1", revision = 1 }
  }

  override_resource {
    target = aws_iam_role.this["execution"]
    values = { arn = "arn:aws:iam::123456789012:role/web-execution-1", name = "web-execution-1" }
  }

  override_resource {
    target = aws_iam_role.this["task"]
    values = { arn = "arn:aws:iam::123456789012:role/web-task-1", name = "web-task-1" }
  }

  override_resource {
    target = aws_cloudwatch_log_group.this
    values = { arn = "arn:aws:logs:eu-central-1:123456789012:log-group:/ecs/web" }
  }

  override_resource {
    target = aws_security_group.tasks
    values = { id = "sg-tasks" }
  }
}

variables {
  name       = "web"
  route_arns = ["arn:aws:elasticloadbalancing:eu-central-1:123456789012:listener-rule/app/web/50dc6c495c0c9188/f2f7dc8efc522ab2/9683b2d02a6cabee"]

  container = { image = "registry.example/web:1.4.1" }

  network = {
    vpc_id                          = "vpc-0123456789abcdef0"
    subnet_ids                      = ["subnet-a", "subnet-b"]
    load_balancer_security_group_id = "sg-load-balancer"
  }

  target_groups = {
    blue  = { arn = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/web-blue/73e2d6bc24d8a067", arn_suffix = "targetgroup/web-blue/73e2d6bc24d8a067" }
    green = { arn = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/web-green/09966783158cda59", arn_suffix = "targetgroup/web-green/09966783158cda59" }
  }
}

run "defaults" {
  command = plan

  assert {
    condition     = { for color, service in aws_ecs_service.this : color => [service.name, service.desired_count] } == { blue = ["web-blue", 2], green = ["web-green", 0] }
    error_message = "Blue begins with two tasks, green with none."
  }

  assert {
    condition = alltrue([
      for color, service in aws_ecs_service.this :
      one(service.load_balancer).target_group_arn == var.target_groups[color].arn
      && one(service.load_balancer).container_name == "app" && one(service.load_balancer).container_port == 8080
    ])
    error_message = "Each color registers its container in its own target group."
  }

  assert {
    condition = alltrue([
      for service in aws_ecs_service.this :
      service.task_definition == aws_ecs_task_definition.this.arn && service.cluster == aws_ecs_cluster.this["own"].arn
      && service.launch_type == "FARGATE" && service.platform_version == "LATEST" && length(service.capacity_provider_strategy) == 0
    ])
    error_message = "Both colors begin with the same revision, in the cluster made here, on Fargate."
  }

  assert {
    condition = alltrue([
      for service in aws_ecs_service.this :
      one(service.deployment_circuit_breaker).enable && !one(service.deployment_circuit_breaker).rollback
    ])
    error_message = "ECS gives up on a release that does not start, and leaves it to bluegreen to go back."
  }

  assert {
    condition = alltrue([
      for service in aws_ecs_service.this :
      service.deployment_minimum_healthy_percent == 100 && service.deployment_maximum_percent == 200
      && service.health_check_grace_period_seconds == 60 && service.availability_zone_rebalancing == "ENABLED"
      && service.propagate_tags == "SERVICE" && service.enable_ecs_managed_tags
    ])
    error_message = "A color never has fewer tasks than it should while ECS replaces them, and tasks bear its tags."
  }

  assert {
    condition     = { for color, service in aws_ecs_service.this : color => service.tags["bluegreen:color"] } == { blue = "blue", green = "green" }
    error_message = "Each service says its color."
  }

  assert {
    condition     = alltrue([for service in aws_ecs_service.this : one(service.network_configuration).security_groups == toset(["sg-tasks"]) && one(service.network_configuration).subnets == toset(["subnet-a", "subnet-b"]) && !one(service.network_configuration).assign_public_ip])
    error_message = "Tasks are in the subnets given, in the group made here, and have no public address."
  }

  assert {
    condition     = length(aws_appautoscaling_target.this) == 0 && length(aws_appautoscaling_policy.this) == 0
    error_message = "Nothing scales by itself unless told."
  }

  assert {
    condition     = length(aws_ecs_cluster_capacity_providers.this) == 0
    error_message = "Without capacity providers the cluster gets none."
  }

  assert {
    condition     = aws_cloudwatch_log_group.this.name == "/ecs/web" && aws_cloudwatch_log_group.this.retention_in_days == 30
    error_message = "Logs are kept for a month."
  }

  assert {
    condition     = jsonencode(output.workload) == jsonencode(jsondecode(file("../../../tests/golden/deployment-ecs.json")).workload)
    error_message = "The workload is the golden contract's."
  }

  assert {
    condition     = output.task_definition.revision == "web:1" && output.task_definition.family == "web" && output.security_group_id == "sg-tasks" && output.log_group.name == "/ecs/web"
    error_message = "The outputs name what was made."
  }

  assert {
    condition     = output.roles == { execution = { name = "web-execution-1", arn = "arn:aws:iam::123456789012:role/web-execution-1" }, task = { name = "web-task-1", arn = "arn:aws:iam::123456789012:role/web-task-1" } }
    error_message = "The operator learns which roles to pass."
  }
}

run "the_task_as_ecs_gets_it" {
  command = plan

  assert {
    condition = (
      aws_ecs_task_definition.this.family == "web" && aws_ecs_task_definition.this.network_mode == "awsvpc"
      && aws_ecs_task_definition.this.cpu == "256" && aws_ecs_task_definition.this.memory == "512"
      && aws_ecs_task_definition.this.requires_compatibilities == toset(["FARGATE"])
      && one(aws_ecs_task_definition.this.runtime_platform).cpu_architecture == "X86_64"
      && length(aws_ecs_task_definition.this.ephemeral_storage) == 0
    )
    error_message = "The smallest task of Fargate, with an address of its own."
  }

  assert {
    condition     = aws_ecs_task_definition.this.skip_destroy && !coalesce(aws_ecs_task_definition.this.track_latest, false)
    error_message = "No revision is ever deregistered by Terraform, and none that bluegreen made is taken for a change."
  }

  assert {
    condition     = aws_ecs_task_definition.this.execution_role_arn == "arn:aws:iam::123456789012:role/web-execution-1" && aws_ecs_task_definition.this.task_role_arn == "arn:aws:iam::123456789012:role/web-task-1"
    error_message = "Each role in its place."
  }

  assert {
    condition = jsondecode(aws_ecs_task_definition.this.container_definitions) == [{
      name                   = "app"
      image                  = "registry.example/web:1.4.1"
      essential              = true
      portMappings           = [{ containerPort = 8080, hostPort = 8080, protocol = "tcp" }]
      environment            = []
      secrets                = []
      readonlyRootFilesystem = false
      stopTimeout            = 30
      logConfiguration = {
        logDriver = "awslogs"
        options   = { awslogs-group = "/ecs/web", awslogs-region = "eu-central-1", awslogs-stream-prefix = "web" }
      }
    }]
    error_message = "One container, and nothing in it that was not said: ${aws_ecs_task_definition.this.container_definitions}"
  }
}

run "everything_of_a_container" {
  command = plan

  variables {
    task = { cpu = 1024, memory = 3072, architecture = "ARM64", ephemeral_storage_gib = 40 }
    logs = { retention_days = 365, kms_key_arn = "arn:aws:kms:eu-central-1:123456789012:key/0b6d0a3c" }

    container = {
      name                 = "web"
      image                = "registry.example/web@sha256:0123"
      port                 = 9000
      command              = ["serve", "--port", "9000"]
      entry_point          = ["/bin/web"]
      user                 = "1000"
      environment          = { LOG_LEVEL = "info" }
      secrets              = { DATABASE_URL = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:db-AbCdEf:url::" }
      registry_secret_arn  = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:registry-AbCdEf"
      read_only            = true
      stop_timeout_seconds = 90
      health               = { command = ["CMD", "/bin/check"], grace_seconds = 10 }
    }
  }

  assert {
    condition = jsondecode(aws_ecs_task_definition.this.container_definitions) == [{
      name                   = "web"
      image                  = "registry.example/web@sha256:0123"
      essential              = true
      portMappings           = [{ containerPort = 9000, hostPort = 9000, protocol = "tcp" }]
      command                = ["serve", "--port", "9000"]
      entryPoint             = ["/bin/web"]
      user                   = "1000"
      environment            = [{ name = "LOG_LEVEL", value = "info" }]
      secrets                = [{ name = "DATABASE_URL", valueFrom = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:db-AbCdEf:url::" }]
      readonlyRootFilesystem = true
      stopTimeout            = 90
      repositoryCredentials  = { credentialsParameter = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:registry-AbCdEf" }
      healthCheck            = { command = ["CMD", "/bin/check"], interval = 30, timeout = 5, retries = 3, startPeriod = 10 }
      logConfiguration = {
        logDriver = "awslogs"
        options   = { awslogs-group = "/ecs/web", awslogs-region = "eu-central-1", awslogs-stream-prefix = "web" }
      }
    }]
    error_message = "Each setting where ECS has it: ${aws_ecs_task_definition.this.container_definitions}"
  }

  assert {
    condition = (
      aws_ecs_task_definition.this.cpu == "1024" && aws_ecs_task_definition.this.memory == "3072"
      && one(aws_ecs_task_definition.this.runtime_platform).cpu_architecture == "ARM64"
      && one(aws_ecs_task_definition.this.ephemeral_storage).size_in_gib == 40
    )
    error_message = "The size that was told."
  }

  assert {
    condition     = aws_cloudwatch_log_group.this.retention_in_days == 365 && aws_cloudwatch_log_group.this.kms_key_id == var.logs.kms_key_arn
    error_message = "The log group as told."
  }

  assert {
    condition     = alltrue([for service in aws_ecs_service.this : one(service.load_balancer).container_name == "web" && one(service.load_balancer).container_port == 9000]) && output.workload.container == "web"
    error_message = "The services and the contract name the same container."
  }
}

run "fargate_and_spot" {
  command = plan

  # What the provider puts where nothing is said.
  override_resource {
    target          = aws_ecs_service.this
    values          = { launch_type = "unsaid" }
    override_during = plan
  }

  variables {
    capacity   = { providers = [{ name = "FARGATE", base = 1 }, { name = "FARGATE_SPOT", weight = 3 }] }
    deployment = { minimum_percent = 50, maximum_percent = 100, health_check_grace_seconds = 5, zone_rebalancing = false }
    initial    = { blue = 4, green = 1 }
  }

  assert {
    condition = alltrue([
      for service in aws_ecs_service.this :
      service.launch_type == "unsaid" && service.platform_version == "LATEST"
      && { for each in service.capacity_provider_strategy : each.capacity_provider => [each.weight, each.base] } == { FARGATE = [1, 1], FARGATE_SPOT = [3, 0] }
    ])
    error_message = "Capacity providers stand in the place of the launch type."
  }

  assert {
    condition     = aws_ecs_cluster_capacity_providers.this["own"].cluster_name == "web" && aws_ecs_cluster_capacity_providers.this["own"].capacity_providers == toset(["FARGATE", "FARGATE_SPOT"])
    error_message = "The cluster made here is given them."
  }

  assert {
    condition = alltrue([
      for service in aws_ecs_service.this :
      service.deployment_minimum_healthy_percent == 50 && service.deployment_maximum_percent == 100
      && service.health_check_grace_period_seconds == 5 && service.availability_zone_rebalancing == "DISABLED"
    ])
    error_message = "Deployments as told."
  }

  assert {
    condition     = aws_ecs_service.this["blue"].desired_count == 4 && aws_ecs_service.this["green"].desired_count == 1
    error_message = "Each color begins with its own count."
  }
}

run "on_ec2_in_a_given_cluster" {
  command = plan

  override_resource {
    target          = aws_ecs_service.this
    values          = { platform_version = "unsaid" }
    override_during = plan
  }

  variables {
    cluster  = { name = "arn:aws:ecs:eu-central-1:123456789012:cluster/prod" }
    capacity = { launch_type = "EC2", providers = [{ name = "workers" }] }
    task     = { cpu = 300, memory = 700 }
  }

  assert {
    condition     = length(aws_ecs_cluster.this) == 0 && length(aws_ecs_cluster_capacity_providers.this) == 0
    error_message = "A given cluster is left as it is."
  }

  assert {
    condition     = alltrue([for service in aws_ecs_service.this : service.cluster == "arn:aws:ecs:eu-central-1:123456789012:cluster/prod" && service.platform_version == "unsaid"])
    error_message = "The services are in it, and have no version of Fargate."
  }

  assert {
    condition     = output.workload.cluster == "prod" && aws_ecs_task_definition.this.requires_compatibilities == toset(["EC2"])
    error_message = "The contract has the cluster's name, and tasks are EC2's."
  }
}

run "on_ec2_without_capacity_providers" {
  command = plan

  variables {
    cluster     = { name = "prod" }
    capacity    = { launch_type = "EC2" }
    autoscaling = { maximum = 4 }
  }

  assert {
    condition     = alltrue([for service in aws_ecs_service.this : service.launch_type == "EC2" && service.cluster == "prod"])
    error_message = "The launch type, in the cluster of that name."
  }

  assert {
    condition     = aws_appautoscaling_target.this["green"].resource_id == "service/prod/web-green"
    error_message = "Application Auto Scaling names a service by cluster and service."
  }
}

run "each_color_scales_by_itself" {
  command = plan

  variables {
    autoscaling = {
      maximum             = 10
      cpu_percent         = 60
      requests_per_target = { target = 1000, load_balancer_arn_suffix = "app/web/50dc6c495c0c9188" }
    }
  }

  assert {
    condition     = { for color, target in aws_appautoscaling_target.this : color => [target.resource_id, target.min_capacity, target.max_capacity] } == { blue = ["service/web/web-blue", 2, 10], green = ["service/web/web-green", 0, 10] }
    error_message = "The counts of the beginning are the first minimums."
  }

  assert {
    condition     = toset(keys(aws_appautoscaling_policy.this)) == toset(["blue/cpu", "blue/requests", "green/cpu", "green/requests"])
    error_message = "Both targets for both colors."
  }

  assert {
    condition = alltrue([
      for key, policy in aws_appautoscaling_policy.this :
      policy.policy_type == "TargetTrackingScaling" && policy.resource_id == "service/web/web-${split("/", key)[0]}"
      && one(policy.target_tracking_scaling_policy_configuration).scale_in_cooldown == 300
      && one(policy.target_tracking_scaling_policy_configuration).scale_out_cooldown == 60
    ])
    error_message = "Out quickly, in slowly."
  }

  assert {
    condition = (
      one(aws_appautoscaling_policy.this["green/cpu"].target_tracking_scaling_policy_configuration).target_value == 60
      && one(one(aws_appautoscaling_policy.this["green/cpu"].target_tracking_scaling_policy_configuration).predefined_metric_specification).predefined_metric_type == "ECSServiceAverageCPUUtilization"
      && one(one(aws_appautoscaling_policy.this["green/cpu"].target_tracking_scaling_policy_configuration).predefined_metric_specification).resource_label == null
    )
    error_message = "The CPU of the service."
  }

  assert {
    condition = (
      one(aws_appautoscaling_policy.this["green/requests"].target_tracking_scaling_policy_configuration).target_value == 1000
      && one(one(aws_appautoscaling_policy.this["green/requests"].target_tracking_scaling_policy_configuration).predefined_metric_specification).predefined_metric_type == "ALBRequestCountPerTarget"
      && one(one(aws_appautoscaling_policy.this["green/requests"].target_tracking_scaling_policy_configuration).predefined_metric_specification).resource_label == "app/web/50dc6c495c0c9188/targetgroup/web-green/09966783158cda59"
    )
    error_message = "The requests of the color's own target group."
  }
}

run "bounds_without_a_target_to_track" {
  command = plan

  variables {
    autoscaling = { maximum = 3 }
  }

  assert {
    condition     = length(aws_appautoscaling_target.this) == 2 && length(aws_appautoscaling_policy.this) == 0
    error_message = "Bounds alone, for who scales by other means."
  }
}
