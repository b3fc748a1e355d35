# Who may do what, and who reaches whom.
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
    target = aws_iam_role.this["execution"]
    values = { arn = "arn:aws:iam::123456789012:role/web-execution-1", name = "web-execution-1" }
  }

  override_resource {
    target = aws_iam_role.this["task"]
    values = { arn = "arn:aws:iam::123456789012:role/web-task-1", name = "web-task-1" }
  }

  override_resource {
    target = aws_ecs_cluster.this["own"]
    values = { arn = "arn:aws:ecs:eu-central-1:123456789012:cluster/web" }
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
  route_arns = ["rule"]
  container  = { image = "registry.example/web:1.4.1" }

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

run "logs_and_nothing_else" {
  command = plan

  assert {
    condition = jsondecode(aws_iam_role_policy.execution.policy).Statement == [{
      Sid      = "Logs", Effect = "Allow", Action = ["logs:CreateLogStream", "logs:PutLogEvents"]
      Resource = ["arn:aws:logs:eu-central-1:123456789012:log-group:/ecs/web:log-stream:web/*"]
    }]
    error_message = "An image of another registry, no secrets: ${aws_iam_role_policy.execution.policy}"
  }

  assert {
    condition     = length(aws_iam_role_policy_attachment.this) == 0 && aws_iam_role_policy.execution.role == "web-execution-1"
    error_message = "The policy is the execution role's, and the task role may do nothing."
  }

  assert {
    condition = alltrue([
      for role in aws_iam_role.this : jsondecode(role.assume_role_policy).Statement == [{
        Effect    = "Allow"
        Principal = { Service = "ecs-tasks.amazonaws.com" }
        Action    = "sts:AssumeRole"
        Condition = {
          StringEquals = { "aws:SourceAccount" = "123456789012" }
          ArnLike      = { "aws:SourceArn" = "arn:aws:ecs:eu-central-1:123456789012:*" }
        }
      }]
    ])
    error_message = "Only ECS assumes the roles, for this account and region."
  }
}

run "an_image_in_ecr_secrets_and_keys" {
  command = plan

  variables {
    container = {
      image               = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/team/web:1.4.1"
      registry_secret_arn = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:db-AbCdEf"
      secrets = {
        DATABASE_URL  = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:db-AbCdEf:url::"
        DATABASE_USER = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:db-AbCdEf:user::"
        TOKEN         = "arn:aws:ssm:eu-central-1:123456789012:parameter/web/token"
      }
    }

    roles = {
      secret_kms_key_arns      = ["arn:aws:kms:eu-central-1:123456789012:key/0b6d0a3c"]
      ecr_repository_arns      = ["arn:aws:ecr:eu-central-1:210987654321:repository/web"]
      execution_policy_arns    = { files = "arn:aws:iam::123456789012:policy/environment-files" }
      task_policy_arns         = { queue = "arn:aws:iam::aws:policy/AmazonSQSReadOnlyAccess" }
      permissions_boundary_arn = "arn:aws:iam::123456789012:policy/boundary"
    }
  }

  assert {
    condition = { for statement in jsondecode(aws_iam_role_policy.execution.policy).Statement : statement.Sid => [statement.Action, statement.Resource] } == {
      Token      = [["ecr:GetAuthorizationToken"], ["*"]]
      Pull       = [["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"], ["arn:aws:ecr:eu-west-1:123456789012:repository/team/web", "arn:aws:ecr:eu-central-1:210987654321:repository/web"]]
      Logs       = [["logs:CreateLogStream", "logs:PutLogEvents"], ["arn:aws:logs:eu-central-1:123456789012:log-group:/ecs/web:log-stream:web/*"]]
      Secrets    = [["secretsmanager:GetSecretValue"], ["arn:aws:secretsmanager:eu-central-1:123456789012:secret:db-AbCdEf"]]
      Parameters = [["ssm:GetParameters"], ["arn:aws:ssm:eu-central-1:123456789012:parameter/web/token"]]
      Decrypt    = [["kms:Decrypt"], ["arn:aws:kms:eu-central-1:123456789012:key/0b6d0a3c"]]
    }
    error_message = "What the image and the secrets need, by name: ${aws_iam_role_policy.execution.policy}"
  }

  assert {
    condition = { for key, attachment in aws_iam_role_policy_attachment.this : key => [attachment.role, attachment.policy_arn] } == {
      "execution/files" = ["web-execution-1", "arn:aws:iam::123456789012:policy/environment-files"]
      "task/queue"      = ["web-task-1", "arn:aws:iam::aws:policy/AmazonSQSReadOnlyAccess"]
    }
    error_message = "Each further policy at its role."
  }

  assert {
    condition     = alltrue([for role in aws_iam_role.this : role.permissions_boundary == "arn:aws:iam::123456789012:policy/boundary"])
    error_message = "Both roles have the boundary."
  }
}

run "the_load_balancer_alone_reaches_tasks" {
  command = plan

  assert {
    condition = alltrue([
      for rule in aws_vpc_security_group_ingress_rule.tasks :
      rule.security_group_id == "sg-tasks" && rule.referenced_security_group_id == "sg-load-balancer"
      && rule.cidr_ipv4 == null && rule.from_port == 8080 && rule.to_port == 8080
    ]) && length(aws_vpc_security_group_ingress_rule.tasks) == 1
    error_message = "Requests come from the load balancer, to the container's port."
  }

  assert {
    condition = alltrue([
      for rule in aws_vpc_security_group_egress_rule.load_balancer :
      rule.security_group_id == "sg-load-balancer" && rule.referenced_security_group_id == "sg-tasks" && rule.from_port == 8080 && rule.to_port == 8080
    ]) && length(aws_vpc_security_group_egress_rule.load_balancer) == 1
    error_message = "The load balancer is let out to them."
  }

  assert {
    condition = (
      keys(aws_vpc_security_group_egress_rule.tasks) == ["https"]
      && aws_vpc_security_group_egress_rule.tasks["https"].cidr_ipv4 == "0.0.0.0/0"
      && aws_vpc_security_group_egress_rule.tasks["https"].from_port == 443 && aws_vpc_security_group_egress_rule.tasks["https"].to_port == 443
    )
    error_message = "Tasks reach HTTPS, for image, logs and secrets."
  }
}

run "further_ports_groups_and_ways_out" {
  command = plan

  variables {
    container = { image = "registry.example/web:1.4.1", health_check_port = 8081 }

    network = {
      vpc_id                          = "vpc-0123456789abcdef0"
      subnet_ids                      = ["subnet-a"]
      load_balancer_security_group_id = "sg-load-balancer"
      load_balancer_egress            = false
      assign_public_ip                = true
      security_group_ids              = ["sg-of-mine"]
      egress                          = { database = { port = 5432, security_group_id = "sg-database" } }
    }
  }

  assert {
    condition     = toset([for rule in aws_vpc_security_group_ingress_rule.tasks : rule.from_port]) == toset([8080, 8081])
    error_message = "Health checks come in on their own port too."
  }

  assert {
    condition     = length(aws_vpc_security_group_egress_rule.load_balancer) == 0
    error_message = "Somebody else lets the load balancer out."
  }

  assert {
    condition = (
      keys(aws_vpc_security_group_egress_rule.tasks) == ["database"]
      && aws_vpc_security_group_egress_rule.tasks["database"].referenced_security_group_id == "sg-database"
      && aws_vpc_security_group_egress_rule.tasks["database"].from_port == 5432
    )
    error_message = "Tasks reach whom they are told to."
  }

  assert {
    condition     = alltrue([for service in aws_ecs_service.this : one(service.network_configuration).security_groups == toset(["sg-tasks", "sg-of-mine"]) && one(service.network_configuration).assign_public_ip])
    error_message = "Tasks are in both groups and have public addresses."
  }
}
