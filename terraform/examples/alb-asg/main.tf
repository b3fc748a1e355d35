# A service on EC2: its own network, an Application Load Balancer, a route to a pair of target groups, and an Auto
# Scaling group behind each. On the lab it applies as it stands too: AWS_ENDPOINT_URL, made-up credentials and an
# image suffice.
provider "aws" {
  region = var.region

  default_tags {
    tags = { "bluegreen:service" = var.name }
  }
}

# An image to begin with, for who has none yet: the newest Amazon Linux 2023, and the server in sample/ on it.
data "aws_ssm_parameter" "amazon_linux" {
  for_each = toset(var.image_id == null ? ["image"] : [])

  name = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"
}

locals {
  https          = var.certificate_arn != null
  listener_port  = coalesce(var.listener_port, local.https ? 443 : 80)
  redirected     = local.https && local.listener_port != 80
  listener_ports = local.redirected ? [80, local.listener_port] : [local.listener_port]

  # A parameter's value counts as a secret, which the ID of a public image is not.
  image_id = var.image_id == null ? nonsensitive(data.aws_ssm_parameter.amazon_linux["image"].value) : var.image_id

  sample_user_data = {
    for color in ["blue", "green"] : color => templatefile("${path.module}/sample/user_data.sh.tftpl", {
      color  = color
      port   = var.target_port
      server = file("${path.module}/sample/server.py")
    })
  }
  # With an image of yours the module's own, which only writes down the color.
  user_data = var.image_id == null ? local.sample_user_data : null
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

# No targets: Auto Scaling registers its instances, by their IDs.
module "pair" {
  source = "../../modules/target-group-pair"

  name        = var.name
  vpc_id      = module.network.vpc_id
  port        = var.target_port
  target_type = "instance"

  health_check = {
    path              = var.health_check_path
    interval_seconds  = var.health_check_interval_seconds
    healthy_threshold = 2
  }

  deregistration_delay_seconds = var.deregistration_delay_seconds
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

module "instances" {
  source = "../../modules/asg-pair"

  name          = var.name
  vpc_id        = module.network.vpc_id
  subnet_ids    = module.network.subnet_ids
  target_groups = module.pair.target_groups
  target_ports  = [var.target_port]
  route_arns    = [module.route.route.arn]

  load_balancer = {
    security_group_id = module.network.load_balancer_security_group_id
    arn_suffix        = aws_lb.this.arn_suffix
  }

  image_id      = local.image_id
  instance_type = var.instance_type
  user_data     = local.user_data
  root_volume   = var.root_volume_gib == null ? null : { size_gib = var.root_volume_gib }
  capacity      = { desired = var.desired_count, max = var.max_count }
  scaling       = var.scaling

  # The provider gives its default tags to everything but Auto Scaling groups and what these launch.
  tags = { "bluegreen:service" = var.name }
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
  state_table   = module.state.state_table
  workload      = module.instances.workload

  load_balancer = {
    type       = aws_lb.this.load_balancer_type
    arn        = aws_lb.this.arn
    arn_suffix = aws_lb.this.arn_suffix
    dns_name   = aws_lb.this.dns_name
  }
}
