# The team's own part: a pair and a rule on a load balancer that another team owns.
terraform {
  required_version = ">= 1.9"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.100, < 7.0"
    }
  }

  backend "s3" {
    bucket = "never-asked-in-a-rehearsal"
    key    = "orders"
    region = "us-east-1"
  }
}

provider "aws" {
  region = "us-east-1"
}

variable "targets" {
  type = object({ blue = list(string), green = list(string) })
}

variable "port" {
  type = number
}

data "aws_lb" "shared" {
  name = "shared"
}

module "pair" {
  source = "../modules/target-group-pair"

  name         = "orders"
  vpc_id       = data.aws_lb.shared.vpc_id
  port         = var.port
  health_check = { path = "/healthz", interval_seconds = 5, timeout_seconds = 2, healthy_threshold = 2 }
  targets      = { for color, addresses in var.targets : color => { for address in addresses : address => { id = address } } }
}

module "route" {
  source = "../modules/alb-route"

  name          = "orders"
  target_groups = module.pair.target_groups
  conditions    = { path_patterns = ["/orders/*"] }
  listener      = { load_balancer_arn = data.aws_lb.shared.arn, port = 20081 }
}

module "contract" {
  source = "../modules/deployment-contract"

  name          = "orders"
  routes        = [module.route.route]
  test_routes   = module.route.test_routes
  target_groups = module.pair.target_groups
  state_table   = module.state.state_table

  load_balancer = {
    type       = "application"
    arn        = data.aws_lb.shared.arn
    arn_suffix = data.aws_lb.shared.arn_suffix
    dns_name   = data.aws_lb.shared.dns_name
  }
}

module "state" {
  source = "../modules/rollout-state"

  name                = "bluegreen-orders"
  deletion_protection = false
}

output "deployment" {
  value = module.contract.deployment
}
