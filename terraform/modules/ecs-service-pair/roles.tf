# Two roles: what ECS does before a container runs (execution), and what the application may do (task).
locals {
  # <account>.dkr.ecr.<region>.amazonaws.com/<repository>:<tag>; whoever pulls from elsewhere needs no ECR.
  ecr = try(regex("^([0-9]{12})\\.dkr[.-]ecr(?:-fips)?\\.([a-z0-9-]+)\\.[a-z.]+/([^:@]+)", var.container.image), null)
  repositories = distinct(concat(
    local.ecr == null ? [] : ["arn:${data.aws_partition.here.partition}:ecr:${local.ecr[1]}:${local.ecr[0]}:repository/${local.ecr[2]}"],
    var.roles.ecr_repository_arns,
  ))

  # valueFrom may go on after the secret's ARN, with a key of its JSON and a version: ":<key>:<stage>:<version>".
  secret_arns    = distinct([for arn in compact(concat(values(var.container.secrets), [var.container.registry_secret_arn])) : join(":", slice(split(":", arn), 0, min(7, length(split(":", arn)))))])
  secrets        = [for arn in local.secret_arns : arn if split(":", arn)[2] == "secretsmanager"]
  parameters     = [for arn in local.secret_arns : arn if split(":", arn)[2] == "ssm"]
  log_stream_arn = "${aws_cloudwatch_log_group.this.arn}:log-stream:${var.name}/*"

  execution = {
    # GetAuthorizationToken takes no resource ("Actions defined by Amazon ECR", service authorization reference).
    Token      = { actions = ["ecr:GetAuthorizationToken"], resources = length(local.repositories) > 0 ? ["*"] : [] }
    Pull       = { actions = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"], resources = local.repositories }
    Logs       = { actions = ["logs:CreateLogStream", "logs:PutLogEvents"], resources = [local.log_stream_arn] }
    Secrets    = { actions = ["secretsmanager:GetSecretValue"], resources = local.secrets }
    Parameters = { actions = ["ssm:GetParameters"], resources = local.parameters }
    Decrypt    = { actions = ["kms:Decrypt"], resources = var.roles.secret_kms_key_arns }
  }

  policies = merge(
    { for key, arn in var.roles.execution_policy_arns : "execution/${key}" => { role = "execution", arn = arn } },
    { for key, arn in var.roles.task_policy_arns : "task/${key}" => { role = "task", arn = arn } },
  )
}

# By a prefix, as roles are named once for all regions of an account.
resource "aws_iam_role" "this" {
  for_each = toset(["execution", "task"])

  name_prefix          = "${var.name}-${each.key}-"
  description          = each.key == "execution" ? "What ECS does to start the tasks of ${var.name}" : "What the tasks of ${var.name} may do"
  permissions_boundary = var.roles.permissions_boundary_arn

  # Only for tasks of this account and region: "Cross-service confused deputy prevention", ECS developer guide.
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "ecs-tasks.amazonaws.com" }
      Action    = "sts:AssumeRole"
      Condition = {
        StringEquals = { "aws:SourceAccount" = local.account }
        ArnLike      = { "aws:SourceArn" = "arn:${data.aws_partition.here.partition}:ecs:${local.region}:${local.account}:*" }
      }
    }]
  })

  tags = var.tags
}

resource "aws_iam_role_policy" "execution" {
  name = "execution"
  role = aws_iam_role.this["execution"].name

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      for sid, statement in local.execution :
      { Sid = sid, Effect = "Allow", Action = statement.actions, Resource = statement.resources } if length(statement.resources) > 0
    ]
  })
}

resource "aws_iam_role_policy_attachment" "this" {
  for_each = local.policies

  role       = aws_iam_role.this[each.value.role].name
  policy_arn = each.value.arn
}
