# The sample in the README: three routes of one service, on two listeners of one load balancer.
variable "load_balancer_arn" {
  type    = string
  default = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:loadbalancer/app/web/50dc6c495c0c9188"
}

variable "certificate_arn" {
  type    = string
  default = "arn:aws:acm:eu-central-1:123456789012:certificate/0b6d0a3c"
}

variable "preview_values" {
  type      = object({ blue = string, green = string })
  default   = { blue = "b-7f3a", green = "g-91c0" }
  sensitive = true
}

variable "target_groups" {
  type = object({ blue = object({ arn = string }), green = object({ arn = string }) })
  default = {
    blue  = { arn = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/web-blue/73e2d6bc24d8a067" }
    green = { arn = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/web-green/09966783158cda59" }
  }
}

locals {
  target_groups = var.target_groups
}

# The sample begins.
module "plain" {
  source = "../.."

  name          = "plain"
  target_groups = local.target_groups
  conditions    = { host_headers = ["www.example.com"] }
  listener      = { load_balancer_arn = var.load_balancer_arn }
}

module "secure" {
  source = "../.."

  name          = "secure"
  target_groups = local.target_groups
  conditions    = { host_headers = ["www.example.com", "example.com"] }

  test_routes        = {} # takes the priorities 98 and 99
  test_header_values = var.preview_values

  listener = {
    load_balancer_arn = var.load_balancer_arn
    protocol          = "HTTPS"
    certificate_arn   = var.certificate_arn
  }
}

module "api" {
  source = "../.."

  name          = "api"
  target_groups = local.target_groups
  conditions    = { host_headers = ["api.example.com"], path_patterns = ["/v1/*"] }
  listener_arn  = module.secure.listener_arn
  priority      = 110 # and 108 and 109 for the test routes

  test_routes        = {}
  test_header_values = var.preview_values
}
# The sample ends.

output "routes" {
  value = [module.plain.route, module.secure.route, module.api.route]
}

output "test_routes" {
  value = concat(module.secure.test_routes, module.api.test_routes)
}
