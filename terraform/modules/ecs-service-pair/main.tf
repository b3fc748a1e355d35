data "aws_region" "here" {}

data "aws_caller_identity" "here" {}

data "aws_partition" "here" {}

locals {
  colors  = toset(["blue", "green"])
  fargate = var.capacity.launch_type == "FARGATE"

  # In provider 6 `name` of a region is deprecated, in provider 5 there is no `region`; both have `id`.
  region  = data.aws_region.here.id
  account = data.aws_caller_identity.here.account_id

  own_cluster  = toset(var.cluster == null ? ["own"] : [])
  cluster      = var.cluster == null ? aws_ecs_cluster.this["own"].arn : var.cluster.name
  cluster_name = var.cluster == null ? aws_ecs_cluster.this["own"].name : reverse(split("/", var.cluster.name))[0]

  container = {
    for key, value in {
      name                   = var.container.name
      image                  = var.container.image
      essential              = true
      portMappings           = [{ containerPort = var.container.port, hostPort = var.container.port, protocol = "tcp" }]
      command                = var.container.command
      entryPoint             = var.container.entry_point
      user                   = var.container.user
      environment            = [for name, value in var.container.environment : { name = name, value = value }]
      secrets                = [for name, arn in var.container.secrets : { name = name, valueFrom = arn }]
      readonlyRootFilesystem = var.container.read_only
      stopTimeout            = var.container.stop_timeout_seconds
      repositoryCredentials  = var.container.registry_secret_arn == null ? null : { credentialsParameter = var.container.registry_secret_arn }
      healthCheck = var.container.health == null ? null : {
        command     = var.container.health.command
        interval    = var.container.health.interval_seconds
        timeout     = var.container.health.timeout_seconds
        retries     = var.container.health.retries
        startPeriod = var.container.health.grace_seconds
      }
      logConfiguration = {
        logDriver = "awslogs"
        options = {
          awslogs-group         = aws_cloudwatch_log_group.this.name
          awslogs-region        = local.region
          awslogs-stream-prefix = var.name
        }
      }
    } : key => value if value != null
  }
}

resource "aws_ecs_cluster" "this" {
  for_each = local.own_cluster

  name = var.name

  setting {
    name  = "containerInsights"
    value = var.container_insights
  }

  tags = merge(var.tags, { Name = var.name })
}

resource "aws_ecs_cluster_capacity_providers" "this" {
  for_each = toset([for key in local.own_cluster : key if length(var.capacity.providers) > 0])

  cluster_name       = aws_ecs_cluster.this[each.key].name
  capacity_providers = var.capacity.providers[*].name
}

# One group for both colors, as one family of task definitions is shared by both, and that names the group.
resource "aws_cloudwatch_log_group" "this" {
  name              = "/ecs/${var.name}"
  retention_in_days = var.logs.retention_days
  kms_key_id        = var.logs.kms_key_arn

  tags = var.tags
}

# One family for both colors: a release is a revision of it, whichever side it goes to. Terraform makes the first
# revision, and a further one where something here changes; which revision a color runs, bluegreen decides.
resource "aws_ecs_task_definition" "this" {
  family                   = var.name
  requires_compatibilities = [var.capacity.launch_type]
  network_mode             = "awsvpc" # a task has an address of its own: what target groups of type ip take
  cpu                      = var.task.cpu
  memory                   = var.task.memory
  execution_role_arn       = aws_iam_role.this["execution"].arn
  task_role_arn            = aws_iam_role.this["task"].arn
  container_definitions    = jsonencode([local.container])

  # A revision that Terraform replaces may be the one that a color runs, and the one that a rollback needs: deregistered
  # it could be neither deployed nor rolled back to.
  skip_destroy = true

  runtime_platform {
    operating_system_family = "LINUX"
    cpu_architecture        = var.task.architecture
  }

  dynamic "ephemeral_storage" {
    for_each = var.task.ephemeral_storage_gib[*]

    content {
      size_in_gib = ephemeral_storage.value
    }
  }

  tags = var.tags
}

resource "aws_ecs_service" "this" {
  for_each = local.colors

  name             = "${var.name}-${each.key}"
  cluster          = local.cluster
  task_definition  = aws_ecs_task_definition.this.arn
  desired_count    = var.initial[each.key]
  launch_type      = length(var.capacity.providers) == 0 ? var.capacity.launch_type : null
  platform_version = local.fargate ? coalesce(var.capacity.platform_version, "LATEST") : null

  deployment_minimum_healthy_percent = var.deployment.minimum_percent
  deployment_maximum_percent         = var.deployment.maximum_percent
  health_check_grace_period_seconds  = var.deployment.health_check_grace_seconds
  availability_zone_rebalancing      = var.deployment.zone_rebalancing ? "ENABLED" : "DISABLED"

  enable_ecs_managed_tags = true
  propagate_tags          = "SERVICE"

  # ECS gives up on a release that does not start, and stops there. It must not go back by itself: the color would then
  # be healthy with the release before, and a rollout would shift the traffic to something that nobody asked for.
  # bluegreen sees the failure, and decides.
  deployment_circuit_breaker {
    enable   = true
    rollback = false
  }

  dynamic "capacity_provider_strategy" {
    for_each = var.capacity.providers

    content {
      capacity_provider = capacity_provider_strategy.value.name
      weight            = capacity_provider_strategy.value.weight
      base              = capacity_provider_strategy.value.base
    }
  }

  load_balancer {
    target_group_arn = var.target_groups[each.key].arn
    container_name   = var.container.name
    container_port   = var.container.port
  }

  network_configuration {
    subnets          = var.network.subnet_ids
    security_groups  = concat([aws_security_group.tasks.id], var.network.security_group_ids)
    assign_public_ip = var.network.assign_public_ip
  }

  tags = merge(var.tags, { Name = "${var.name}-${each.key}", "bluegreen:color" = each.key })

  # What bluegreen owns after the first apply: the release of each color, and how many tasks run it.
  lifecycle {
    ignore_changes = [task_definition, desired_count]
  }

  # The routes: CreateService refuses a target group that no load balancer uses yet. The rest: what a task needs to
  # start, without which the first tasks would fail and be started anew.
  depends_on = [
    var.route_arns,
    aws_ecs_cluster_capacity_providers.this,
    aws_iam_role_policy.execution,
    aws_iam_role_policy_attachment.this,
    aws_vpc_security_group_ingress_rule.tasks,
    aws_vpc_security_group_egress_rule.tasks,
    aws_vpc_security_group_egress_rule.load_balancer,
  ]
}
