# What both colors get, and what is only a seed.
mock_provider "aws" {
  override_during = plan

  mock_data "aws_partition" {
    defaults = { partition = "aws", dns_suffix = "amazonaws.com" }
  }

  override_resource {
    target = aws_security_group.this
    values = { id = "sg-instances" }
  }

  override_resource {
    target = aws_iam_role.this
    values = { name = "web-20261122", arn = "arn:aws:iam::123456789012:role/web-20261122" }
  }

  override_resource {
    target = aws_launch_template.this["blue"]
    values = { id = "lt-blue", arn = "arn:aws:ec2:eu-central-1:123456789012:launch-template/lt-blue", latest_version = 1 }
  }

  override_resource {
    target = aws_launch_template.this["green"]
    values = { id = "lt-green", arn = "arn:aws:ec2:eu-central-1:123456789012:launch-template/lt-green", latest_version = 1 }
  }
}

variables {
  name          = "web"
  vpc_id        = "vpc-0123456789abcdef0"
  subnet_ids    = ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"]
  image_id      = "ami-0123456789abcdef0"
  route_arns    = ["arn:aws:elasticloadbalancing:eu-central-1:123456789012:listener-rule/app/web/50dc6c495c0c9188/f2f7dc8efc522ab2/9683b2d02a6cabee"]
  load_balancer = { security_group_id = "sg-0123456789abcdef0", arn_suffix = "app/web/50dc6c495c0c9188" }

  target_groups = {
    blue = {
      arn         = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/web-blue/73e2d6bc24d8a067"
      arn_suffix  = "targetgroup/web-blue/73e2d6bc24d8a067"
      target_type = "instance"
    }
    green = {
      arn         = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/web-green/09966783158cda59"
      arn_suffix  = "targetgroup/web-green/09966783158cda59"
      target_type = "instance"
    }
  }
}

run "as_it_stands" {
  command = plan

  assert {
    condition = (
      aws_autoscaling_group.this["blue"].min_size == 1 && aws_autoscaling_group.this["blue"].desired_capacity == 2
      && aws_autoscaling_group.this["green"].min_size == 0 && aws_autoscaling_group.this["green"].desired_capacity == 0
      && alltrue([for group in values(aws_autoscaling_group.this) : group.max_size == 4])
    )
    error_message = "Blue begins with what is desired, green with nothing, and both have the same bound."
  }

  assert {
    condition = alltrue([
      for color, group in aws_autoscaling_group.this :
      group.target_group_arns == toset([var.target_groups[color].arn]) && group.name == "web-${color}"
      && one(group.launch_template).id == "lt-${color}" && one(group.launch_template).version == "1"
    ])
    error_message = "Each group has its color's target group and its color's launch template, by the number of a version."
  }

  assert {
    condition = alltrue([
      for group in values(aws_autoscaling_group.this) :
      group.health_check_type == "ELB" && group.health_check_grace_period == 120 && group.default_instance_warmup == 60
      && group.termination_policies == tolist(["OldestLaunchTemplate", "OldestInstance"]) && group.wait_for_capacity_timeout == "10m"
    ])
    error_message = "The load balancer says who is healthy, and what an older version launched goes first."
  }

  assert {
    condition     = aws_autoscaling_group.this["blue"].min_elb_capacity == 2 && aws_autoscaling_group.this["green"].min_elb_capacity == 0
    error_message = "The first apply waits for healthy instances on blue."
  }

  assert {
    condition = alltrue([
      for template in values(aws_launch_template.this) :
      template.image_id == "ami-0123456789abcdef0" && template.instance_type == "t3.micro" && template.key_name == null
      && template.vpc_security_group_ids == toset(["sg-instances"]) && one(template.monitoring).enabled
    ])
    error_message = "Both colors launch the same, without a key pair and behind the module's security group."
  }

  assert {
    condition = alltrue([
      for options in [for template in values(aws_launch_template.this) : one(template.metadata_options)] :
      options.http_tokens == "required" && options.http_put_response_hop_limit == 1 && options.instance_metadata_tags == "enabled"
    ])
    error_message = "The metadata service is asked by version 2 alone, and tells instances their tags."
  }

  assert {
    condition = alltrue([
      for volume in [for template in values(aws_launch_template.this) : one(one(template.block_device_mappings).ebs)] :
      volume.encrypted == "true" && volume.volume_type == "gp3" && volume.delete_on_termination == "true"
    ])
    error_message = "The root volume is encrypted and goes with its instance."
  }

  assert {
    condition = alltrue([
      for color, template in aws_launch_template.this :
      base64decode(template.user_data) == "#!/bin/sh\nprintf 'COLOR=%s\\n' ${color} >/etc/bluegreen.env\n"
    ])
    error_message = "An instance learns its color."
  }

  assert {
    condition = alltrue([
      for color, group in aws_autoscaling_group.this :
      { for tag in group.tag : tag.key => tag.value if tag.propagate_at_launch } == { Name = "web-${color}", "bluegreen:color" = color }
      && one(aws_launch_template.this[color].tag_specifications).tags == tomap({ Name = "web-${color}", "bluegreen:color" = color })
    ])
    error_message = "Instances and volumes bear their color."
  }

  assert {
    condition     = length(aws_iam_role_policy_attachment.this) == 0 && length(aws_iam_role_policy.this) == 0
    error_message = "Unless told otherwise, instances may do nothing."
  }

  assert {
    condition     = jsondecode(aws_iam_role.this.assume_role_policy).Statement[0].Principal.Service == "ec2.amazonaws.com"
    error_message = "The role is for EC2."
  }

  assert {
    condition = (
      keys(aws_vpc_security_group_ingress_rule.load_balancer) == ["8080"]
      && aws_vpc_security_group_ingress_rule.load_balancer["8080"].security_group_id == "sg-instances"
      && aws_vpc_security_group_ingress_rule.load_balancer["8080"].referenced_security_group_id == "sg-0123456789abcdef0"
      && aws_vpc_security_group_egress_rule.load_balancer["8080"].security_group_id == "sg-0123456789abcdef0"
      && aws_vpc_security_group_egress_rule.load_balancer["8080"].referenced_security_group_id == "sg-instances"
      && length(aws_vpc_security_group_egress_rule.instances) == 0
    )
    error_message = "The load balancer and the instances hear each other on the target port, and nobody else."
  }

  assert {
    condition     = length(aws_autoscaling_policy.this) == 0
    error_message = "Unless told otherwise, nothing scales by itself."
  }

  assert {
    condition     = output.workload == { kind = "asg", groups = { blue = "web-blue", green = "web-green" } }
    error_message = "The workload in the contract's words."
  }

  assert {
    condition = output.launch_templates == {
      for color in ["blue", "green"] : color => {
        id   = "lt-${color}"
        name = "web-${color}"
        arn  = "arn:aws:ec2:eu-central-1:123456789012:launch-template/lt-${color}"
      }
    }
    error_message = "The templates without a version: that changes with each release."
  }

  assert {
    condition     = output.role.arn == "arn:aws:iam::123456789012:role/web-20261122" && output.security_group_id == "sg-instances"
    error_message = "Role and security group are told."
  }
}

run "green_first" {
  command = plan

  variables {
    initial_color             = "green"
    capacity                  = { min = 2, desired = 3, max = 9 }
    wait_for_capacity_timeout = "0"
  }

  assert {
    condition = (
      aws_autoscaling_group.this["green"].min_size == 2 && aws_autoscaling_group.this["green"].desired_capacity == 3
      && aws_autoscaling_group.this["blue"].min_size == 0 && aws_autoscaling_group.this["blue"].desired_capacity == 0
    )
    error_message = "The color of the route's seed begins with the instances."
  }
}

run "everything_told" {
  command = plan

  variables {
    target_ports               = [8080, 8081]
    load_balancer              = { security_group_id = "sg-0123456789abcdef0", arn_suffix = "app/web/50dc6c495c0c9188", add_egress = false }
    instance_type              = "m7g.large"
    scaling                    = { cpu_percent = 60, requests_per_target = 500 }
    health_check_grace_seconds = 300
    warmup_seconds             = 0
    termination_policies       = ["Default"]
    user_data                  = { blue = "echo blue", green = "echo green" }
    root_volume                = { device_name = "/dev/sda1", type = "gp2", size_gib = 20, kms_key_arn = "arn:aws:kms:eu-central-1:123456789012:key/0b6d0a3c" }
    egress                     = [{ port = 443, cidr_block = "0.0.0.0/0" }]
    security_group_ids         = ["sg-database"]
    metadata_hop_limit         = 2
    detailed_monitoring        = false
    tags                       = { team = "web" }

    role = {
      ssm                      = true
      policy_arns              = { logs = "arn:aws:iam::123456789012:policy/logs" }
      policies                 = { queue = jsonencode({ Version = "2012-10-17", Statement = [] }) }
      permissions_boundary_arn = "arn:aws:iam::123456789012:policy/boundary"
    }
  }

  assert {
    condition = { for key, policy in aws_autoscaling_policy.this : key => one(policy.target_tracking_configuration).target_value } == {
      "blue/cpu" = 60, "green/cpu" = 60, "blue/requests" = 500, "green/requests" = 500
    }
    error_message = "Each group scales by both."
  }

  assert {
    condition = alltrue([
      for color, group in var.target_groups :
      one(one(aws_autoscaling_policy.this["${color}/requests"].target_tracking_configuration).predefined_metric_specification).resource_label
      == "app/web/50dc6c495c0c9188/${group.arn_suffix}"
    ])
    error_message = "Each group scales by its own instances and its own target group."
  }

  assert {
    condition     = aws_autoscaling_policy.this["blue/cpu"].name == "web-blue-cpu" && aws_autoscaling_policy.this["blue/cpu"].autoscaling_group_name == "web-blue"
    error_message = "A policy is its group's."
  }

  assert {
    condition = (
      { for key, attachment in aws_iam_role_policy_attachment.this : key => attachment.policy_arn } == {
        logs     = "arn:aws:iam::123456789012:policy/logs"
        ssm-core = "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore"
      }
      && keys(aws_iam_role_policy.this) == ["queue"] && aws_iam_role.this.permissions_boundary == "arn:aws:iam::123456789012:policy/boundary"
    )
    error_message = "The role may what was told, within its boundary."
  }

  assert {
    condition = (
      toset(keys(aws_vpc_security_group_ingress_rule.load_balancer)) == toset(["8080", "8081"])
      && length(aws_vpc_security_group_egress_rule.load_balancer) == 0
      && aws_vpc_security_group_egress_rule.instances["443/0.0.0.0/0"].security_group_id == "sg-instances"
      && aws_launch_template.this["blue"].vpc_security_group_ids == toset(["sg-database", "sg-instances"])
    )
    error_message = "Instances hear the health check's port too and get out where told; the load balancer's group stays as it is."
  }

  assert {
    condition = alltrue([
      for color, template in aws_launch_template.this :
      base64decode(template.user_data) == "echo ${color}" && template.instance_type == "m7g.large"
      && one(template.metadata_options).http_put_response_hop_limit == 2 && !one(template.monitoring).enabled
      && one(template.block_device_mappings).device_name == "/dev/sda1"
      && one(one(template.block_device_mappings).ebs).volume_size == 20
      && one(one(template.block_device_mappings).ebs).kms_key_id == "arn:aws:kms:eu-central-1:123456789012:key/0b6d0a3c"
    ])
    error_message = "Instances are as told."
  }

  assert {
    condition     = alltrue([for group in values(aws_autoscaling_group.this) : contains([for tag in group.tag : tag.value if tag.key == "team"], "web")])
    error_message = "Instances bear the tags."
  }
}

run "as_much_user_data_as_ec2_takes" {
  command = plan

  variables {
    user_data = { blue = format("%16384s", ""), green = "" }
  }

  assert {
    condition     = length(base64decode(aws_launch_template.this["blue"].user_data)) == 16384
    error_message = "16 KB are taken."
  }
}

run "volumes_as_the_image_has_them" {
  command = plan

  variables {
    root_volume = null
    scaling     = { cpu_percent = 60 }
  }

  assert {
    condition     = alltrue([for template in values(aws_launch_template.this) : length(template.block_device_mappings) == 0])
    error_message = "null leaves the volumes to the image."
  }

  assert {
    condition     = toset(keys(aws_autoscaling_policy.this)) == toset(["blue/cpu", "green/cpu"])
    error_message = "Scaling by CPU alone."
  }
}
