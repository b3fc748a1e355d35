# A pair whose every name comes from something that is made in the same apply. Used by unknown.tftest.hcl.
resource "terraform_data" "later" {}

locals {
  later = terraform_data.later.id
}

module "services" {
  source = "../.."

  name       = "web"
  cluster    = { name = local.later }
  route_arns = [local.later]
  logs       = { kms_key_arn = local.later }

  container = {
    image               = local.later
    environment         = { BUCKET = local.later }
    secrets             = { DATABASE_URL = local.later }
    registry_secret_arn = local.later
  }

  roles = {
    execution_policy_arns    = { files = local.later }
    task_policy_arns         = { queue = local.later }
    secret_kms_key_arns      = [local.later]
    ecr_repository_arns      = [local.later]
    permissions_boundary_arn = local.later
  }

  network = {
    vpc_id                          = local.later
    subnet_ids                      = [local.later]
    load_balancer_security_group_id = local.later
    security_group_ids              = [local.later]
    egress                          = { database = { port = 5432, security_group_id = local.later } }
  }

  target_groups = {
    blue  = { arn = local.later, arn_suffix = local.later }
    green = { arn = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/web-green/09966783158cda59", arn_suffix = "targetgroup/web-green/09966783158cda59" }
  }

  autoscaling = {
    maximum             = 4
    cpu_percent         = 60
    requests_per_target = { target = 100, load_balancer_arn_suffix = local.later }
  }
}

output "services" {
  value = module.services.workload.services
}
