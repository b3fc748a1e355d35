locals {
  colors  = toset(["blue", "green"])
  network = var.load_balancer.type == "network"

  namespace = local.network ? "AWS/NetworkELB" : "AWS/ApplicationELB"
  balancer  = { LoadBalancer = var.load_balancer.arn_suffix }
  dimensions = {
    for color in local.colors : color => merge(local.balancer, { TargetGroup = var.target_groups[color].arn_suffix })
  }

  # A Network Load Balancer counts no requests.
  with_bad_requests = local.network || var.bad_requests == null ? toset([]) : local.colors
  with_latency      = local.network || var.latency == null ? toset([]) : local.colors
  with_hosts        = var.unhealthy_hosts == null ? toset([]) : local.colors

  # Bad is what no target answered well. A target that resets or times out is answered for by the load balancer, 502 or
  # 504, which it counts for itself alone: so the well answered ones are taken from all requests. WebSockets are
  # answered 101 and would seem bad; with them, what targets and connections reported is added up.
  websockets = try(var.bad_requests.websockets, false)
  count_4xx  = try(var.bad_requests.count_4xx, false)
  answered = local.websockets ? {
    answered_5xx      = "HTTPCode_Target_5XX_Count"
    connection_errors = "TargetConnectionErrorCount"
    } : {
    answered_2xx = "HTTPCode_Target_2XX_Count"
    answered_3xx = "HTTPCode_Target_3XX_Count"
  }
  answered_4xx = { for id in ["answered_4xx"] : id => "HTTPCode_Target_4XX_Count" if local.websockets == local.count_4xx }
  counted      = merge(local.answered, local.answered_4xx)

  # A count is published where it is not zero: a class that is missing in a minute with requests is none of that class.
  filled = [for id in sort(keys(local.counted)) : "FILL(${id}, 0)"]
  bad    = local.websockets ? join(" + ", local.filled) : join(" - ", concat(["requests"], local.filled))

  alarms_of = {
    for color in local.colors : color => compact(concat(
      [
        try(aws_cloudwatch_metric_alarm.bad_requests[color].alarm_name, ""),
        try(aws_cloudwatch_metric_alarm.latency[color].alarm_name, ""),
        try(aws_cloudwatch_metric_alarm.unhealthy_hosts[color].alarm_name, ""),
      ],
      aws_cloudwatch_metric_alarm.resets[*].alarm_name,
    ))
  }
}

# Missing data is good in every alarm here, on purpose. The idle side has no requests and publishes nothing, and a side
# that is scaled to nothing has no hosts to count; neither may hold a rollout up, or raise an alarm, for that. That a
# side which should have traffic has none is not for an alarm to see: bluegreen calls it inconclusive.
resource "aws_cloudwatch_metric_alarm" "bad_requests" {
  for_each = local.with_bad_requests

  alarm_name          = "${var.name}-${each.key}-bad-requests"
  alarm_description   = "More than ${var.bad_requests.above_percent} % of the requests to ${each.key} of ${var.name} were bad."
  comparison_operator = "GreaterThanThreshold"
  threshold           = var.bad_requests.above_percent
  evaluation_periods  = var.bad_requests.minutes
  datapoints_to_alarm = var.bad_requests.datapoints
  treat_missing_data  = "notBreaching"

  metric_query {
    id          = "bad_percent"
    label       = "Bad requests to ${each.key}, percent"
    expression  = "IF(requests >= ${var.bad_requests.minimum_requests}, 100 * (${local.bad}) / requests, 0)"
    return_data = true
  }

  dynamic "metric_query" {
    for_each = merge({ requests = "RequestCount" }, local.counted)

    content {
      id          = metric_query.key
      return_data = false

      metric {
        namespace   = local.namespace
        metric_name = metric_query.value
        dimensions  = local.dimensions[each.key]
        period      = 60
        stat        = "Sum"
      }
    }
  }

  tags = merge(var.tags, { "bluegreen:color" = each.key })
}

resource "aws_cloudwatch_metric_alarm" "latency" {
  for_each = local.with_latency

  alarm_name          = "${var.name}-${each.key}-latency"
  alarm_description   = "p${var.latency.percentile} of the response times of ${each.key} of ${var.name} was above ${var.latency.above_seconds} s."
  namespace           = local.namespace
  metric_name         = "TargetResponseTime"
  dimensions          = local.dimensions[each.key]
  extended_statistic  = "p${var.latency.percentile}"
  period              = 60
  comparison_operator = "GreaterThanThreshold"
  threshold           = var.latency.above_seconds
  evaluation_periods  = var.latency.minutes
  datapoints_to_alarm = var.latency.datapoints
  treat_missing_data  = "notBreaching"

  # A percentile of a handful of answers is one slow answer: with too few, the state stays as it is.
  evaluate_low_sample_count_percentiles = "ignore"

  tags = merge(var.tags, { "bluegreen:color" = each.key })
}

resource "aws_cloudwatch_metric_alarm" "unhealthy_hosts" {
  for_each = local.with_hosts

  alarm_name          = "${var.name}-${each.key}-unhealthy-hosts"
  alarm_description   = "More than ${var.unhealthy_hosts.above} targets of ${each.key} of ${var.name} were unhealthy."
  namespace           = local.namespace
  metric_name         = "UnHealthyHostCount"
  dimensions          = local.dimensions[each.key]
  statistic           = "Maximum"
  period              = 60
  comparison_operator = "GreaterThanThreshold"
  threshold           = var.unhealthy_hosts.above
  evaluation_periods  = var.unhealthy_hosts.minutes
  datapoints_to_alarm = var.unhealthy_hosts.datapoints
  treat_missing_data  = "notBreaching"

  tags = merge(var.tags, { "bluegreen:color" = each.key })
}

# A Network Load Balancer counts resets for all its targets together, so this one guards both colors.
resource "aws_cloudwatch_metric_alarm" "resets" {
  count = var.resets == null ? 0 : 1

  alarm_name          = "${var.name}-resets"
  alarm_description   = "Targets behind the load balancer of ${var.name} reset more than ${var.resets.above} flows in a minute."
  namespace           = local.namespace
  metric_name         = "TCP_Target_Reset_Count"
  dimensions          = local.balancer
  statistic           = "Sum"
  period              = 60
  comparison_operator = "GreaterThanThreshold"
  threshold           = var.resets.above
  evaluation_periods  = var.resets.minutes
  datapoints_to_alarm = var.resets.datapoints
  treat_missing_data  = "notBreaching"

  tags = var.tags
}

resource "aws_cloudwatch_composite_alarm" "color" {
  for_each = var.composite ? local.colors : toset([])

  alarm_name        = "${var.name}-${each.key}"
  alarm_description = "Something is wrong with ${each.key} of ${var.name}."
  alarm_rule        = join(" OR ", [for name in local.alarms_of[each.key] : "ALARM(\"${name}\")"])
  alarm_actions     = var.actions
  ok_actions        = var.actions

  tags = merge(var.tags, { "bluegreen:color" = each.key })
}
