# A service on AWS: its own network, an Application Load Balancer, and a route to a pair of target groups.
provider "aws" {
  region = var.region

  default_tags {
    tags = { "bluegreen:service" = var.name }
  }
}

locals {
  https = var.certificate_arn != null
}

module "network" {
  source = "../../modules/network"

  name                = var.name
  listener_ports      = local.https ? [80, 443] : [80]
  ingress_cidr_blocks = var.ingress_cidr_blocks
  target_ports        = [var.target_port]
}

# Reachable from the internet, as var.ingress_cidr_blocks allows.
resource "aws_lb" "this" {
  # checkov:skip=CKV2_AWS_20: with a certificate module.route redirects port 80 (redirect_http_port); the check does not look into modules.
  # checkov:skip=CKV2_AWS_28: which requests to refuse is for the application's owner to say; associate a web ACL of yours.
  name                       = var.name
  load_balancer_type         = "application"
  internal                   = false
  subnets                    = module.network.subnet_ids
  security_groups            = [module.network.load_balancer_security_group_id]
  enable_deletion_protection = var.deletion_protection

  # Headers that targets may read in another way than the load balancer are the way in of request smuggling.
  drop_invalid_header_fields = true
  desync_mitigation_mode     = "defensive"

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

  name         = var.name
  vpc_id       = module.network.vpc_id
  port         = var.target_port
  health_check = { path = var.health_check_path, interval_seconds = 10, healthy_threshold = 2 }
  targets      = { for color, addresses in var.targets : color => { for address in addresses : address => { id = address } } }

  # Long enough for requests in flight, short enough that the idle color is free for the next release.
  deregistration_delay_seconds = 60
}

module "route" {
  source = "../../modules/alb-route"

  name          = var.name
  target_groups = module.pair.target_groups
  stickiness    = var.stickiness

  # Whether there are values is no secret; the values are.
  test_routes        = nonsensitive(var.test_header_values == null) ? null : {}
  test_header_values = var.test_header_values

  reserved_priorities = var.reserved_priorities

  listener = {
    load_balancer_arn  = aws_lb.this.arn
    protocol           = local.https ? "HTTPS" : "HTTP"
    certificate_arn    = var.certificate_arn
    redirect_http_port = local.https ? 80 : null
  }
}

module "state" {
  source = "../../modules/rollout-state"

  name                = "bluegreen-${var.name}"
  deletion_protection = var.deletion_protection
}

module "guardrails" {
  source = "../../modules/guardrail-alarms"
  count  = var.guardrails ? 1 : 0

  name          = var.name
  load_balancer = { arn_suffix = aws_lb.this.arn_suffix }
  target_groups = module.pair.target_groups
}

module "contract" {
  source = "../../modules/deployment-contract"

  name          = var.name
  routes        = [module.route.route]
  test_routes   = module.route.test_routes
  target_groups = module.pair.target_groups
  state_table   = module.state.state_table
  alarms        = one(module.guardrails[*].alarms)

  load_balancer = {
    type       = aws_lb.this.load_balancer_type
    arn        = aws_lb.this.arn
    arn_suffix = aws_lb.this.arn_suffix
    dns_name   = aws_lb.this.dns_name
  }
}
