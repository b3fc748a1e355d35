# As much network as the examples need. A load balancer wants subnets in two availability zones.

data "aws_availability_zones" "available" {
  # checkov:skip=CKV_AWS_394: the subnets take the first two zones by name, whichever region this is used in; pinned names would tie the module to one.
  state = "available"

  # Local and wavelength zones hold no Application Load Balancer's second leg.
  filter {
    name   = "opt-in-status"
    values = ["opt-in-not-required"]
  }
}

locals {
  subnets = { a = 0, b = 1 }

  listener_rules = {
    for pair in setproduct(var.listener_ports, var.ingress_cidr_blocks) :
    "${pair[0]}/${pair[1]}" => { port = pair[0], cidr_block = pair[1] }
  }
  target_ports = { for port in var.target_ports : tostring(port) => port }
}

resource "aws_vpc" "this" {
  # checkov:skip=CKV2_AWS_11: flow logs want a log group or bucket, a role and a retention, which are the owner's to choose; a network for examples keeps none.
  # DNS support is on by default. DNS host names stay off: nothing here needs them, and switching them on costs the
  # provider ten seconds of waiting.
  cidr_block = var.cidr_block

  tags = merge(var.tags, { Name = var.name })
}

# Nothing here is in the VPC's default security group, and nothing that lands in it by mistake talks to anybody:
# under Terraform it has no rules.
resource "aws_default_security_group" "this" {
  vpc_id = aws_vpc.this.id

  tags = merge(var.tags, { Name = "${var.name}-default" })
}

resource "aws_subnet" "this" {
  for_each = local.subnets

  vpc_id            = aws_vpc.this.id
  cidr_block        = cidrsubnet(var.cidr_block, 4, each.value)
  availability_zone = data.aws_availability_zones.available.names[each.value]

  tags = merge(var.tags, { Name = "${var.name}-${each.key}" })
}

resource "aws_internet_gateway" "this" {
  vpc_id = aws_vpc.this.id

  tags = merge(var.tags, { Name = var.name })
}

resource "aws_route_table" "this" {
  vpc_id = aws_vpc.this.id

  route {
    cidr_block = "0.0.0.0/0"
    gateway_id = aws_internet_gateway.this.id
  }

  tags = merge(var.tags, { Name = var.name })
}

resource "aws_route_table_association" "this" {
  for_each = aws_subnet.this

  subnet_id      = each.value.id
  route_table_id = aws_route_table.this.id
}

resource "aws_security_group" "load_balancer" {
  name        = "${var.name}-load-balancer"
  description = "Requests to the load balancer, and from it to the targets"
  vpc_id      = aws_vpc.this.id

  tags = merge(var.tags, { Name = "${var.name}-load-balancer" })
}

resource "aws_security_group" "targets" {
  # checkov:skip=CKV2_AWS_5: it is an output; the workload attaches it to its targets.
  name        = "${var.name}-targets"
  description = "Requests and health checks from the load balancer alone"
  vpc_id      = aws_vpc.this.id

  tags = merge(var.tags, { Name = "${var.name}-targets" })
}

# Without descriptions of their own: the emulator (moto) loses those of rules that name a group, and then no
# plan is ever empty.
resource "aws_vpc_security_group_ingress_rule" "load_balancer" {
  # checkov:skip=CKV_AWS_23: the groups are described; the emulator loses descriptions of rules (see above).
  for_each = local.listener_rules

  security_group_id = aws_security_group.load_balancer.id
  ip_protocol       = "tcp"
  from_port         = each.value.port
  to_port           = each.value.port
  cidr_ipv4         = each.value.cidr_block
}

resource "aws_vpc_security_group_egress_rule" "load_balancer" {
  # checkov:skip=CKV_AWS_23: the groups are described; the emulator loses descriptions of rules (see above).
  for_each = local.target_ports

  security_group_id            = aws_security_group.load_balancer.id
  ip_protocol                  = "tcp"
  from_port                    = each.value
  to_port                      = each.value
  referenced_security_group_id = aws_security_group.targets.id
}

resource "aws_vpc_security_group_ingress_rule" "targets" {
  # checkov:skip=CKV_AWS_23: the groups are described; the emulator loses descriptions of rules (see above).
  for_each = local.target_ports

  security_group_id            = aws_security_group.targets.id
  ip_protocol                  = "tcp"
  from_port                    = each.value
  to_port                      = each.value
  referenced_security_group_id = aws_security_group.load_balancer.id
}
