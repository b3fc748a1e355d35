locals {
  target_ports = { for port in var.target_ports : tostring(port) => port }
  egress       = { for rule in var.egress : "${rule.port}/${rule.cidr_block}" => rule }
}

resource "aws_security_group" "this" {
  name        = "${var.name}-instances"
  description = "Instances of ${var.name}: requests and health checks from the load balancer alone"
  vpc_id      = var.vpc_id

  tags = merge(var.tags, { Name = "${var.name}-instances" })
}

# Without descriptions of their own: the emulator (moto) loses those of rules that name a group, and then no
# plan is ever empty.
resource "aws_vpc_security_group_ingress_rule" "load_balancer" {
  # checkov:skip=CKV_AWS_23: the groups are described; the emulator loses descriptions of rules (see above).
  for_each = local.target_ports

  security_group_id            = aws_security_group.this.id
  ip_protocol                  = "tcp"
  from_port                    = each.value
  to_port                      = each.value
  referenced_security_group_id = var.load_balancer.security_group_id
}

resource "aws_vpc_security_group_egress_rule" "load_balancer" {
  # checkov:skip=CKV_AWS_23: the groups are described; the emulator loses descriptions of rules (see above).
  for_each = var.load_balancer.add_egress ? local.target_ports : {}

  security_group_id            = var.load_balancer.security_group_id
  ip_protocol                  = "tcp"
  from_port                    = each.value
  to_port                      = each.value
  referenced_security_group_id = aws_security_group.this.id
}

resource "aws_vpc_security_group_egress_rule" "instances" {
  # checkov:skip=CKV_AWS_23: the groups are described; the emulator loses descriptions of rules (see above).
  for_each = local.egress

  security_group_id = aws_security_group.this.id
  ip_protocol       = "tcp"
  from_port         = each.value.port
  to_port           = each.value.port
  cidr_ipv4         = each.value.cidr_block
}
