locals {
  colors = toset(["blue", "green"])

  # What an instance can ask about itself: its color, for services that name this file as their EnvironmentFile.
  own_user_data = {
    for color in local.colors : color => "#!/bin/sh\nprintf 'COLOR=%s\\n' ${color} >/etc/bluegreen.env\n"
  }
  user_data = var.user_data == null ? local.own_user_data : var.user_data

  # Who launches instances passes their tags on, but not to volumes.
  tags = {
    for color in local.colors : color => merge(var.tags, { Name = "${var.name}-${color}", "bluegreen:color" = color })
  }

  scaling = merge([
    for color in local.colors : merge(
      try(var.scaling.cpu_percent, null) == null ? {} : {
        "${color}/cpu" = {
          color  = color
          metric = "ASGAverageCPUUtilization"
          label  = null
          target = var.scaling.cpu_percent
        }
      },
      try(var.scaling.requests_per_target, null) == null ? {} : {
        "${color}/requests" = {
          color  = color
          metric = "ALBRequestCountPerTarget"
          label  = "${var.load_balancer.arn_suffix}/${var.target_groups[color].arn_suffix}"
          target = var.scaling.requests_per_target
        }
      },
    )
  ]...)
}

# One per color, so that a release on the idle side leaves the live side's template alone. A change here makes a new
# version, which no group uses before the next release: see the group.
resource "aws_launch_template" "this" {
  for_each = local.colors

  name        = "${var.name}-${each.key}"
  description = "Instances of ${var.name} ${each.key}"

  image_id               = var.image_id
  instance_type          = var.instance_type
  user_data              = base64encode(local.user_data[each.key])
  vpc_security_group_ids = concat([aws_security_group.this.id], var.security_group_ids)
  ebs_optimized          = true

  iam_instance_profile {
    arn = aws_iam_instance_profile.this.arn
  }

  metadata_options {
    http_endpoint               = "enabled"
    http_tokens                 = "required" # IMDSv2 alone
    http_put_response_hop_limit = var.metadata_hop_limit
    instance_metadata_tags      = "enabled" # bluegreen:color is one of them
  }

  monitoring {
    enabled = var.detailed_monitoring
  }

  dynamic "block_device_mappings" {
    for_each = var.root_volume[*]

    content {
      device_name = block_device_mappings.value.device_name

      ebs {
        volume_type           = block_device_mappings.value.type
        volume_size           = block_device_mappings.value.size_gib
        encrypted             = "true"
        kms_key_id            = block_device_mappings.value.kms_key_arn
        delete_on_termination = "true"
      }
    }
  }

  tag_specifications {
    resource_type = "volume"
    tags          = local.tags[each.key]
  }

  tags = local.tags[each.key]

  lifecycle {
    # A release writes a version with another image and a description of its own. The provider compares with the
    # latest version, whoever wrote it: unless ignored, the next apply would write one with the image of the first day.
    ignore_changes = [image_id, description]
  }
}

resource "aws_autoscaling_group" "this" {
  for_each = local.colors

  name                = "${var.name}-${each.key}"
  vpc_zone_identifier = var.subnet_ids
  target_group_arns   = [var.target_groups[each.key].arn]

  # Seeds, all of them: see ignore_changes.
  min_size         = each.key == var.initial_color ? var.capacity.min : 0
  desired_capacity = each.key == var.initial_color ? var.capacity.desired : 0
  max_size         = var.capacity.max

  # ELB: what the load balancer finds unhealthy is replaced, not only what EC2 finds broken.
  health_check_type         = "ELB"
  health_check_grace_period = var.health_check_grace_seconds
  default_instance_warmup   = var.warmup_seconds

  termination_policies      = var.termination_policies
  wait_for_capacity_timeout = var.wait_for_capacity_timeout
  min_elb_capacity          = each.key == var.initial_color ? var.capacity.desired : 0

  metrics_granularity = "1Minute"
  enabled_metrics = [
    "GroupDesiredCapacity", "GroupInServiceInstances", "GroupMaxSize", "GroupMinSize",
    "GroupPendingInstances", "GroupTerminatingInstances", "GroupTotalInstances",
  ]

  launch_template {
    id      = aws_launch_template.this[each.key].id
    version = aws_launch_template.this[each.key].latest_version
  }

  dynamic "tag" {
    for_each = local.tags[each.key]

    content {
      key                 = tag.key
      value               = tag.value
      propagate_at_launch = true
    }
  }

  # A target group that no load balancer uses checks nobody's health, and instances would wait for it in vain. So the
  # routes come first and go last; so do the ways and the rights that instances need from their first second on.
  depends_on = [
    var.route_arns,
    aws_iam_role_policy_attachment.this,
    aws_iam_role_policy.this,
    aws_vpc_security_group_ingress_rule.load_balancer,
    aws_vpc_security_group_egress_rule.load_balancer,
    aws_vpc_security_group_egress_rule.instances,
  ]

  lifecycle {
    # After the first apply sizes and versions are the toolkit's and the autoscaler's: the live side takes the minimum
    # along when it changes color, and a rollout suspends processes and gives them back. max_size stays managed.
    ignore_changes = [desired_capacity, min_size, min_elb_capacity, suspended_processes, launch_template[0].version]
  }
}

resource "aws_autoscaling_policy" "this" {
  for_each = local.scaling

  name                   = "${var.name}-${replace(each.key, "/", "-")}"
  autoscaling_group_name = aws_autoscaling_group.this[each.value.color].name
  policy_type            = "TargetTrackingScaling"

  target_tracking_configuration {
    target_value = each.value.target

    predefined_metric_specification {
      predefined_metric_type = each.value.metric
      resource_label         = each.value.label
    }
  }
}
