# A service on AWS, balanced by flows: its own network, a Network Load Balancer, and a listener that holds the weights
# of a pair of target groups. On the lab it applies as it stands too: AWS_ENDPOINT_URL and made-up credentials suffice.
provider "aws" {
  region = var.region

  default_tags {
    tags = { "bluegreen:service" = var.name }
  }
}

locals {
  tls           = var.certificate_arn != null
  listener_port = coalesce(var.listener_port, local.tls ? 443 : 80)
}

module "network" {
  source = "../../modules/network"

  name                = var.name
  listener_ports      = [local.listener_port]
  ingress_cidr_blocks = var.ingress_cidr_blocks
  target_ports        = [var.target_port]
}

# Reachable from the internet, as var.ingress_cidr_blocks allows. A Network Load Balancer takes security groups only
# when it is created ("Update the security groups for your Network Load Balancer", ELB user guide).
resource "aws_lb" "this" {
  name                       = var.name
  load_balancer_type         = "network"
  internal                   = false
  subnets                    = module.network.subnet_ids
  security_groups            = [module.network.load_balancer_security_group_id]
  enable_deletion_protection = var.deletion_protection

  # Without it the node of each zone knows the targets of its zone alone, and a color that has none in one of the
  # zones would not get there the share that the weights give it.
  enable_cross_zone_load_balancing = var.cross_zone

  dynamic "access_logs" {
    for_each = var.access_logs[*]

    content {
      enabled = true
      bucket  = access_logs.value.bucket
      prefix  = access_logs.value.prefix
    }
  }
}

module "pair" {
  source = "../../modules/target-group-pair"

  name     = var.name
  vpc_id   = module.network.vpc_id
  port     = var.target_port
  protocol = "TCP"
  targets  = { for color, addresses in var.targets : color => { for address in addresses : address => { id = address } } }

  health_check = {
    protocol          = var.health_check.protocol
    path              = var.health_check.path
    interval_seconds  = var.health_check.interval_seconds
    healthy_threshold = 2
  }

  deregistration_delay_seconds = var.deregistration_delay_seconds
  connection_termination       = var.connection_termination
  preserve_client_ip           = var.preserve_client_ip
}

module "route" {
  source = "../../modules/nlb-route"

  name              = var.name
  load_balancer_arn = aws_lb.this.arn
  target_groups     = module.pair.target_groups
  port              = local.listener_port
  protocol          = local.tls ? "TLS" : "TCP"
  certificate_arn   = var.certificate_arn
}

module "state" {
  source = "../../modules/rollout-state"

  name                = "bluegreen-${var.name}"
  deletion_protection = var.deletion_protection
}

module "contract" {
  source = "../../modules/deployment-contract"

  name          = var.name
  routes        = [module.route.route]
  target_groups = module.pair.target_groups
  state_table   = module.state.state_table

  load_balancer = {
    type       = aws_lb.this.load_balancer_type
    arn        = aws_lb.this.arn
    arn_suffix = aws_lb.this.arn_suffix
    dns_name   = aws_lb.this.dns_name
  }
}
