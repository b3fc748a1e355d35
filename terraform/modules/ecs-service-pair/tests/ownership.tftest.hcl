# What bluegreen changes after the first apply, Terraform leaves alone.
mock_provider "aws" {
  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }

  override_resource {
    target = aws_iam_role.this["execution"]
    values = { arn = "arn:aws:iam::123456789012:role/web-execution-1" }
  }

  override_resource {
    target = aws_iam_role.this["task"]
    values = { arn = "arn:aws:iam::123456789012:role/web-task-1" }
  }

  override_resource {
    target = aws_ecs_cluster.this["own"]
    values = { arn = "arn:aws:ecs:eu-central-1:123456789012:cluster/web" }
  }
}

variables {
  name        = "web"
  route_arns  = ["rule"]
  container   = { image = "registry.example/web:1.4.1" }
  initial     = { blue = 2 }
  autoscaling = { maximum = 4 }

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

run "the_first_apply" {
  override_resource {
    target = aws_ecs_task_definition.this
    values = { arn = "arn:aws:ecs:eu-central-1:123456789012:task-definition/web:1" }
  }

  assert {
    condition     = aws_ecs_service.this["blue"].desired_count == 2
    error_message = "The services are there."
  }
}

run "a_new_revision_and_new_counts_move_no_service" {
  command = plan

  plan_options {
    replace = [aws_ecs_task_definition.this]
  }

  variables {
    container   = { image = "registry.example/web:9.9.9" }
    initial     = { blue = 4, green = 3 }
    autoscaling = { maximum = 5 }
    deployment  = { health_check_grace_seconds = 7 }
  }

  override_resource {
    target          = aws_ecs_task_definition.this
    values          = { arn = "arn:aws:ecs:eu-central-1:123456789012:task-definition/web:2" }
    override_during = plan
  }

  assert {
    condition     = aws_ecs_task_definition.this.arn == "arn:aws:ecs:eu-central-1:123456789012:task-definition/web:2"
    error_message = "There is a new revision."
  }

  assert {
    condition     = alltrue([for service in aws_ecs_service.this : service.task_definition == "arn:aws:ecs:eu-central-1:123456789012:task-definition/web:1"])
    error_message = "Each color keeps the revision that it runs."
  }

  assert {
    condition     = aws_ecs_service.this["blue"].desired_count == 2 && aws_ecs_service.this["green"].desired_count == 0
    error_message = "Each color keeps its count."
  }

  assert {
    condition     = aws_appautoscaling_target.this["blue"].min_capacity == 2 && aws_appautoscaling_target.this["green"].min_capacity == 0
    error_message = "Each color keeps its minimum."
  }

  assert {
    condition     = alltrue([for target in aws_appautoscaling_target.this : target.max_capacity == 5]) && alltrue([for service in aws_ecs_service.this : service.health_check_grace_period_seconds == 7])
    error_message = "All else stays Terraform's."
  }
}
