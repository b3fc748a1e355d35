data "aws_partition" "current" {}

locals {
  partition = data.aws_partition.current.partition

  # A key per policy of the role that is known before apply; the ARNs may not be.
  managed_policies = merge(
    var.role.policy_arns,
    var.role.ssm ? { ssm-core = "arn:${local.partition}:iam::aws:policy/AmazonSSMManagedInstanceCore" } : {},
  )
}

resource "aws_iam_role" "this" {
  # A role's name is taken for the whole account: the same service may stand in two regions.
  name_prefix          = "${var.name}-"
  description          = "Instances of ${var.name}, both colors"
  permissions_boundary = var.role.permissions_boundary_arn

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "ec2.${data.aws_partition.current.dns_suffix}" }
    }]
  })

  tags = merge(var.tags, { Name = var.name })
}

resource "aws_iam_role_policy_attachment" "this" {
  for_each = local.managed_policies

  role       = aws_iam_role.this.name
  policy_arn = each.value
}

resource "aws_iam_role_policy" "this" {
  for_each = var.role.policies

  name   = each.key
  role   = aws_iam_role.this.name
  policy = each.value
}

resource "aws_iam_instance_profile" "this" {
  name_prefix = "${var.name}-"
  role        = aws_iam_role.this.name

  tags = merge(var.tags, { Name = var.name })
}
