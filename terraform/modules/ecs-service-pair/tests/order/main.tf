# A route that cannot be made, and a witness of whether the services were made nevertheless. Used by order.tftest.hcl.
resource "terraform_data" "route" {
  lifecycle {
    postcondition {
      condition     = self.id == ""
      error_message = "The route is not there."
    }
  }
}

module "services" {
  source = "../.."

  name       = "web"
  route_arns = [terraform_data.route.id]
  container  = { image = "registry.example/web:1.4.1" }

  network = {
    vpc_id                          = "vpc-0123456789abcdef0"
    subnet_ids                      = ["subnet-a", "subnet-b"]
    load_balancer_security_group_id = "sg-load-balancer"
  }

  target_groups = {
    blue  = { arn = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/web-blue/73e2d6bc24d8a067", arn_suffix = "targetgroup/web-blue/73e2d6bc24d8a067" }
    green = { arn = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/web-green/09966783158cda59", arn_suffix = "targetgroup/web-green/09966783158cda59" }
  }
}

# Made after the services; where they are not made, neither is this, and nothing is said.
resource "terraform_data" "witness" {
  input = module.services.workload

  lifecycle {
    postcondition {
      condition     = self.id == ""
      error_message = "The services were made although their route was not."
    }
  }
}
