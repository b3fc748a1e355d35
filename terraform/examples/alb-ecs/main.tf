# A service in containers: its own network, an Application Load Balancer, and an ECS service per color behind a route to
# a pair of target groups. On the lab it applies as it stands too: AWS_ENDPOINT_URL and made-up credentials suffice.
provider "aws" {
  region = var.region

  default_tags {
    tags = { "bluegreen:service" = var.name }
  }
}

locals {
  https          = var.certificate_arn != null
  listener_port  = coalesce(var.listener_port, local.https ? 443 : 80)
  redirected     = local.https && local.listener_port != 80
  listener_ports = local.redirected ? [80, local.listener_port] : [local.listener_port]
}

module "network" {
  source = "../../modules/network"

  name                = var.name
  cidr_block          = var.cidr_block
  listener_ports      = local.listener_ports
  ingress_cidr_blocks = var.ingress_cidr_blocks
  target_ports        = [var.target_port]
}

# Reachable from the internet, as var.ingress_cidr_blocks allows.
resource "aws_lb" "this" {
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

# No targets: ECS registers its tasks, by their addresses.
module "pair" {
  source = "../../modules/target-group-pair"

  name                         = var.name
  vpc_id                       = module.network.vpc_id
  port                         = var.target_port
  target_type                  = "ip"
  deregistration_delay_seconds = var.deregistration_delay_seconds

  health_check = {
    path              = var.health_check_path
    interval_seconds  = var.health_check_interval_seconds
    healthy_threshold = 2
  }
}

module "route" {
  source = "../../modules/alb-route"

  name          = var.name
  target_groups = module.pair.target_groups
  stickiness    = var.stickiness

  # Whether there are values is no secret; the values are.
  test_routes        = nonsensitive(var.test_header_values == null) ? null : {}
  test_header_values = var.test_header_values

  listener = {
    load_balancer_arn  = aws_lb.this.arn
    port               = local.listener_port
    protocol           = local.https ? "HTTPS" : "HTTP"
    certificate_arn    = var.certificate_arn
    redirect_http_port = local.redirected ? 80 : null
  }
}

module "services" {
  source = "../../modules/ecs-service-pair"

  name          = var.name
  target_groups = module.pair.target_groups
  route_arns    = [module.route.route.arn]
  initial       = { blue = var.desired_count, green = 0 }

  container = {
    image = var.image
    port  = var.target_port
    # The default image listens where this says; others need not mind.
    environment = merge({ WHOAMI_PORT_NUMBER = tostring(var.target_port) }, var.environment)
  }

  network = {
    vpc_id                          = module.network.vpc_id
    subnet_ids                      = module.network.subnet_ids
    load_balancer_security_group_id = module.network.load_balancer_security_group_id

    # The subnets are public and have no NAT: without an address of its own a task could not fetch its image.
    assign_public_ip = true
  }

  autoscaling = var.autoscaling_maximum == null ? null : { maximum = var.autoscaling_maximum, cpu_percent = 60 }
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
  test_routes   = module.route.test_routes
  target_groups = module.pair.target_groups
  workload      = module.services.workload
  state_table   = module.state.state_table

  load_balancer = {
    type       = aws_lb.this.load_balancer_type
    arn        = aws_lb.this.arn
    arn_suffix = aws_lb.this.arn_suffix
    dns_name   = aws_lb.this.dns_name
  }
}
