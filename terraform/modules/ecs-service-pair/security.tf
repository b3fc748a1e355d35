# Tasks hear the load balancer alone, and reach whom they are told to.
locals {
  ports = { for port in distinct(compact([var.container.port, var.container.health_check_port])) : port => tonumber(port) }
}

resource "aws_security_group" "tasks" {
  name        = "${var.name}-tasks"
  description = "Requests and health checks from the load balancer alone"
  vpc_id      = var.network.vpc_id

  tags = merge(var.tags, { Name = "${var.name}-tasks" })
}

# Without descriptions of their own: the emulator (moto) loses those of rules that name a group, and then no plan is
# ever empty.
resource "aws_vpc_security_group_ingress_rule" "tasks" {
  # checkov:skip=CKV_AWS_23: the group is described; the emulator loses descriptions of rules (see above).
  for_each = local.ports

  security_group_id            = aws_security_group.tasks.id
  ip_protocol                  = "tcp"
  from_port                    = each.value
  to_port                      = each.value
  referenced_security_group_id = var.network.load_balancer_security_group_id
}

resource "aws_vpc_security_group_egress_rule" "tasks" {
  # checkov:skip=CKV_AWS_23: the group is described; the emulator loses descriptions of rules (see above).
  for_each = var.network.egress

  security_group_id            = aws_security_group.tasks.id
  ip_protocol                  = "tcp"
  from_port                    = each.value.port
  to_port                      = each.value.port
  cidr_ipv4                    = each.value.cidr_block
  referenced_security_group_id = each.value.security_group_id
}

# The other end of the way: a group that Terraform manages lets nothing out by itself.
resource "aws_vpc_security_group_egress_rule" "load_balancer" {
  # checkov:skip=CKV_AWS_23: the group is described by its owner; the emulator loses descriptions of rules (see above).
  for_each = var.network.load_balancer_egress ? local.ports : {}

  security_group_id            = var.network.load_balancer_security_group_id
  ip_protocol                  = "tcp"
  from_port                    = each.value
  to_port                      = each.value
  referenced_security_group_id = aws_security_group.tasks.id
}
