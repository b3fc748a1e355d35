# Each color by itself. bluegreen raises the minimum and suspends scaling in while a rollout runs, and hands the minimum
# on to the color that is promoted; so neither is Terraform's after the first apply.
locals {
  scaled = var.autoscaling == null ? toset([]) : local.colors

  # Not by try(): it knows nothing of a value as long as any part of it is to be made, and these decide how many.
  cpu      = var.autoscaling == null ? null : var.autoscaling.cpu_percent
  requests = var.autoscaling == null ? null : var.autoscaling.requests_per_target
  tracked = merge(
    local.cpu == null ? {} : { cpu = local.cpu },
    local.requests == null ? {} : { requests = local.requests.target },
  )
  metrics = { cpu = "ECSServiceAverageCPUUtilization", requests = "ALBRequestCountPerTarget" }

  tracks = {
    for pair in setproduct(local.scaled, keys(local.tracked)) : "${pair[0]}/${pair[1]}" => { color = pair[0], metric = pair[1] }
  }
}

resource "aws_appautoscaling_target" "this" {
  for_each = local.scaled

  service_namespace  = "ecs"
  scalable_dimension = "ecs:service:DesiredCount"
  resource_id        = "service/${local.cluster_name}/${aws_ecs_service.this[each.key].name}"
  min_capacity       = var.initial[each.key]
  max_capacity       = var.autoscaling.maximum

  tags = merge(var.tags, { "bluegreen:color" = each.key })

  lifecycle {
    ignore_changes = [min_capacity, suspended_state]
  }
}

resource "aws_appautoscaling_policy" "this" {
  for_each = local.tracks

  name               = "${var.name}-${each.value.color}-${each.value.metric}"
  policy_type        = "TargetTrackingScaling"
  service_namespace  = aws_appautoscaling_target.this[each.value.color].service_namespace
  scalable_dimension = aws_appautoscaling_target.this[each.value.color].scalable_dimension
  resource_id        = aws_appautoscaling_target.this[each.value.color].resource_id

  target_tracking_scaling_policy_configuration {
    target_value       = local.tracked[each.value.metric]
    scale_in_cooldown  = var.autoscaling.scale_in_cooldown_seconds
    scale_out_cooldown = var.autoscaling.scale_out_cooldown_seconds

    predefined_metric_specification {
      predefined_metric_type = local.metrics[each.value.metric]
      resource_label         = each.value.metric == "requests" ? "${local.requests.load_balancer_arn_suffix}/${var.target_groups[each.value.color].arn_suffix}" : null
    }
  }
}
