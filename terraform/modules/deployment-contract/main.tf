locals {
  # arn:<partition>:elasticloadbalancing:<region>:<account>:loadbalancer/...
  arn = split(":", var.load_balancer.arn)

  workload_keys = {
    ecs = concat(["kind", "cluster", "services"], try(var.workload.container, null) == null ? [] : ["container"])
    asg = ["kind", "groups"]
  }

  # What is not given is left out. By a for expression, as the arms of a conditional would have to be of one type.
  alarms = { for key, value in { alarms = var.alarms } : key => value if value != null }

  # Never the live color: only the load balancer knows it.
  deployment = merge(local.alarms, {
    schema_version = 1
    name           = var.name
    account_id     = local.arn[4]
    region         = local.arn[3]
    load_balancer = {
      type       = var.load_balancer.type
      arn        = var.load_balancer.arn
      arn_suffix = var.load_balancer.arn_suffix
      dns_name   = var.load_balancer.dns_name
    }
    routes = [
      for route in var.routes : merge({
        name         = route.name
        kind         = route.kind
        arn          = route.arn
        listener_arn = route.listener_arn
        stickiness = {
          enabled          = route.stickiness.enabled
          duration_seconds = route.stickiness.duration_seconds
        }
        preceding_actions = [
          for action in route.preceding_actions : {
            type     = action.type
            order    = action.order
            settings = action.settings
          }
        ]
        # As with the alarms: what is not given is left out.
      }, { for key, value in { reserved_priorities = route.reserved_priorities } : key => value if value != null })
    ]
    test_routes = [
      for route in var.test_routes : {
        name         = route.name
        color        = route.color
        arn          = route.arn
        listener_arn = route.listener_arn
        header_name  = route.header_name
      }
    ]
    target_groups = {
      for color, group in var.target_groups : color => {
        name       = group.name
        arn        = group.arn
        arn_suffix = group.arn_suffix
      }
    }
    state_table = var.state_table == null ? null : {
      name = var.state_table.name
      arn  = var.state_table.arn
    }
    # Chosen by the kind, never by what is null: names may be unknown until they are made.
    workload = var.workload == null ? null : {
      for key, value in var.workload : key => value if contains(local.workload_keys[var.workload.kind], key)
    }
  })

  json = jsonencode(local.deployment)

  # length() counts characters and SSM counts bytes: three bytes per four of base64, less the padding.
  base64     = base64encode(local.json)
  json_bytes = length(local.base64) / 4 * 3 - length(regexall("=", local.base64))
}

# So that an operator needs no access to the Terraform state.
resource "aws_ssm_parameter" "deployment" {
  # checkov:skip=CKV2_AWS_34: the contract holds no secret, and whoever reads it would need the key as well.
  name        = "/bluegreen/${var.name}/deployment"
  description = "Deployment contract of ${var.name}: what bluegreen shifts. Written by Terraform."
  type        = "String"
  tier        = "Intelligent-Tiering" # the standard tier ends at 4 KB
  # The contract holds no secret, and a reviewer should see in the plan what becomes of it.
  insecure_value = local.json

  tags = var.tags

  lifecycle {
    precondition {
      # "Managing parameter tiers", Systems Manager user guide.
      condition     = local.json_bytes <= 8192
      error_message = "The deployment contract takes ${local.json_bytes} bytes and Parameter Store holds 8192: split the routes over two services, or shorten names."
    }
  }
}
