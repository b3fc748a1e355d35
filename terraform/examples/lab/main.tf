# A service on the lab. AWS_ENDPOINT_URL says where that is; `bluegreen lab up` tells it.
provider "aws" {
  region = "eu-central-1"

  # Should AWS_ENDPOINT_URL be missing, the real AWS refuses these, whatever credentials lie about.
  access_key = "lab"
  secret_key = "lab"

  # No skip_requesting_account_id: without its account the provider reads a rule's own security group back as
  # "<account>/sg-..." and plans a change for ever. The lab answers GetCallerIdentity.
  skip_credentials_validation = true
  skip_metadata_api_check     = true
}

module "network" {
  source = "../../modules/network"

  name           = var.name
  listener_ports = [var.listener_port]
  target_ports   = [var.target_port]
}

resource "aws_lb" "this" {
  # checkov:skip=CKV_AWS_150: the lab is thrown away, and this with it.
  # checkov:skip=CKV_AWS_91: the lab writes no access logs; the example `alb` takes a bucket for them.
  # checkov:skip=CKV2_AWS_28: the lab listens on loopback only.
  name                       = var.name
  load_balancer_type         = "application"
  subnets                    = module.network.subnet_ids
  security_groups            = [module.network.load_balancer_security_group_id]
  drop_invalid_header_fields = true
}

module "pair" {
  source = "../../modules/target-group-pair"

  name                         = var.name
  vpc_id                       = module.network.vpc_id
  port                         = var.target_port
  deregistration_delay_seconds = 5

  health_check = {
    path              = "/healthz"
    interval_seconds  = 5
    timeout_seconds   = 2
    healthy_threshold = 2
  }

  targets = { for color, addresses in var.targets : color => { for address in addresses : address => { id = address } } }
}

module "route" {
  source = "../../modules/alb-route"

  name          = var.name
  target_groups = module.pair.target_groups
  stickiness    = var.stickiness
  conditions    = { path_patterns = var.path_patterns }

  # Whether there are values is no secret; the values are.
  test_routes        = nonsensitive(var.test_header_values == null) ? null : {}
  test_header_values = var.test_header_values

  reserved_priorities = var.reserved_priorities

  listener = {
    load_balancer_arn = aws_lb.this.arn
    port              = var.listener_port
  }
}

module "state" {
  source = "../../modules/rollout-state"

  name                = "bluegreen-${var.name}"
  deletion_protection = false # the lab is thrown away
}

module "contract" {
  source = "../../modules/deployment-contract"

  name          = var.name
  routes        = [module.route.route]
  test_routes   = module.route.test_routes
  target_groups = module.pair.target_groups
  state_table   = module.state.state_table

  load_balancer = {
    type       = aws_lb.this.load_balancer_type
    arn        = aws_lb.this.arn
    arn_suffix = aws_lb.this.arn_suffix
    dns_name   = aws_lb.this.dns_name
  }
}
