# The alarms as CloudWatch gets them, and the contract's words for them.
mock_provider "aws" {
  override_during = plan
}

variables {
  name          = "web"
  load_balancer = { arn_suffix = "app/web/50dc6c495c0c9188" }

  target_groups = {
    blue  = { arn_suffix = "targetgroup/web-blue/73e2d6bc24d8a067" }
    green = { arn_suffix = "targetgroup/web-green/09966783158cda59" }
  }
}

run "each_color_has_its_own_and_one_over_them" {
  command = plan

  assert {
    condition     = jsonencode(output.alarms) == jsonencode({ blue = ["web-blue"], green = ["web-green"] })
    error_message = "The contract names the composite alarm of each color."
  }

  assert {
    condition = (
      aws_cloudwatch_composite_alarm.color["green"].alarm_rule
      == "ALARM(\"web-green-bad-requests\") OR ALARM(\"web-green-latency\") OR ALARM(\"web-green-unhealthy-hosts\")"
    )
    error_message = "It is in ALARM when any one below it is, and knows nothing of the other color."
  }

  assert {
    condition     = length(aws_cloudwatch_composite_alarm.color["blue"].alarm_actions) == 0 && aws_cloudwatch_composite_alarm.color["blue"].tags["bluegreen:color"] == "blue"
    error_message = "Nobody is told unless that is said."
  }
}

run "bad_is_what_no_target_answered_well" {
  command = plan

  assert {
    condition = (
      one([for query in aws_cloudwatch_metric_alarm.bad_requests["green"].metric_query : query.expression if query.return_data])
      == "IF(requests >= 100, 100 * (requests - FILL(answered_2xx, 0) - FILL(answered_3xx, 0) - FILL(answered_4xx, 0)) / requests, 0)"
    )
    error_message = "Resets and timeouts are no 5xx of the target group, so what was answered well is taken from all."
  }

  assert {
    condition = { for query in aws_cloudwatch_metric_alarm.bad_requests["green"].metric_query : query.id => one(query.metric).metric_name if length(query.metric) > 0 } == {
      requests     = "RequestCount"
      answered_2xx = "HTTPCode_Target_2XX_Count"
      answered_3xx = "HTTPCode_Target_3XX_Count"
      answered_4xx = "HTTPCode_Target_4XX_Count"
    }
    error_message = "Every name of the expression is a metric."
  }

  assert {
    condition = alltrue([
      for query in aws_cloudwatch_metric_alarm.bad_requests["green"].metric_query : (
        one(query.metric).dimensions == tomap({ LoadBalancer = "app/web/50dc6c495c0c9188", TargetGroup = "targetgroup/web-green/09966783158cda59" })
        && one(query.metric).stat == "Sum" && one(query.metric).period == 60 && one(query.metric).namespace == "AWS/ApplicationELB"
      ) if length(query.metric) > 0
    ])
    error_message = "They are those of this target group alone, minute by minute."
  }

  assert {
    condition = (
      aws_cloudwatch_metric_alarm.bad_requests["blue"].threshold == 1 && aws_cloudwatch_metric_alarm.bad_requests["blue"].comparison_operator == "GreaterThanThreshold"
      && aws_cloudwatch_metric_alarm.bad_requests["blue"].datapoints_to_alarm == 3 && aws_cloudwatch_metric_alarm.bad_requests["blue"].evaluation_periods == 5
    )
    error_message = "More than 1 % in three minutes of five."
  }
}

run "latency_is_a_percentile" {
  command = plan

  assert {
    condition = (
      aws_cloudwatch_metric_alarm.latency["blue"].extended_statistic == "p99" && aws_cloudwatch_metric_alarm.latency["blue"].threshold == 1
      && aws_cloudwatch_metric_alarm.latency["blue"].metric_name == "TargetResponseTime" && aws_cloudwatch_metric_alarm.latency["blue"].period == 60
      && aws_cloudwatch_metric_alarm.latency["blue"].evaluate_low_sample_count_percentiles == "ignore"
    )
    error_message = "p99 above a second, and a few slow answers of a few decide nothing."
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.latency["blue"].dimensions == tomap({ LoadBalancer = "app/web/50dc6c495c0c9188", TargetGroup = "targetgroup/web-blue/73e2d6bc24d8a067" })
    error_message = "Of this color alone."
  }
}

run "hosts_are_counted_at_their_worst" {
  command = plan

  assert {
    condition = (
      aws_cloudwatch_metric_alarm.unhealthy_hosts["green"].metric_name == "UnHealthyHostCount" && aws_cloudwatch_metric_alarm.unhealthy_hosts["green"].statistic == "Maximum"
      && aws_cloudwatch_metric_alarm.unhealthy_hosts["green"].threshold == 0 && aws_cloudwatch_metric_alarm.unhealthy_hosts["green"].datapoints_to_alarm == 2
      && aws_cloudwatch_metric_alarm.unhealthy_hosts["green"].dimensions["TargetGroup"] == "targetgroup/web-green/09966783158cda59"
    )
    error_message = "One unhealthy target, two minutes of three."
  }
}

run "a_silent_side_raises_no_alarm" {
  command = plan

  assert {
    condition = alltrue([
      for alarm in concat(
        values(aws_cloudwatch_metric_alarm.bad_requests), values(aws_cloudwatch_metric_alarm.latency), values(aws_cloudwatch_metric_alarm.unhealthy_hosts)
      ) : alarm.treat_missing_data == "notBreaching"
    ])
    error_message = "The idle side has no requests, and that is no fault of its."
  }
}

run "what_was_told_is_kept" {
  command = plan

  variables {
    bad_requests    = { above_percent = 0.5, minimum_requests = 20, minutes = 3, datapoints = 2, count_4xx = true }
    latency         = { above_seconds = 0.25, percentile = 99.9, minutes = 1, datapoints = 1 }
    unhealthy_hosts = { above = 2, minutes = 1, datapoints = 1 }
    actions         = ["arn:aws:sns:eu-central-1:123456789012:ops"]
    tags            = { team = "web" }
  }

  assert {
    condition = (
      one([for query in aws_cloudwatch_metric_alarm.bad_requests["blue"].metric_query : query.expression if query.return_data])
      == "IF(requests >= 20, 100 * (requests - FILL(answered_2xx, 0) - FILL(answered_3xx, 0)) / requests, 0)"
    )
    error_message = "With count_4xx an answer 4xx is bad."
  }

  assert {
    condition = (
      aws_cloudwatch_metric_alarm.latency["blue"].extended_statistic == "p99.9" && aws_cloudwatch_metric_alarm.latency["blue"].threshold == 0.25
      && aws_cloudwatch_metric_alarm.latency["blue"].alarm_description == "p99.9 of the response times of blue of web was above 0.25 s."
      && aws_cloudwatch_metric_alarm.unhealthy_hosts["blue"].threshold == 2 && aws_cloudwatch_metric_alarm.bad_requests["blue"].threshold == 0.5
    )
    error_message = "Thresholds are those that were told."
  }

  assert {
    condition = (
      aws_cloudwatch_composite_alarm.color["blue"].alarm_actions == toset(["arn:aws:sns:eu-central-1:123456789012:ops"])
      && aws_cloudwatch_composite_alarm.color["blue"].ok_actions == toset(["arn:aws:sns:eu-central-1:123456789012:ops"])
      && length(coalesce(aws_cloudwatch_metric_alarm.latency["blue"].alarm_actions, [])) == 0 && aws_cloudwatch_composite_alarm.color["blue"].tags["team"] == "web"
    )
    error_message = "The composite alarm tells, and no other."
  }
}

run "websockets_are_not_bad" {
  command = plan

  variables {
    bad_requests = { websockets = true }
  }

  assert {
    condition = (
      one([for query in aws_cloudwatch_metric_alarm.bad_requests["blue"].metric_query : query.expression if query.return_data])
      == "IF(requests >= 100, 100 * (FILL(answered_5xx, 0) + FILL(connection_errors, 0)) / requests, 0)"
    )
    error_message = "What targets and connections reported is added up."
  }
}

run "websockets_and_4xx" {
  command = plan

  variables {
    bad_requests = { websockets = true, count_4xx = true }
  }

  assert {
    condition = (
      one([for query in aws_cloudwatch_metric_alarm.bad_requests["blue"].metric_query : query.expression if query.return_data])
      == "IF(requests >= 100, 100 * (FILL(answered_4xx, 0) + FILL(answered_5xx, 0) + FILL(connection_errors, 0)) / requests, 0)"
    )
    error_message = "Answers 4xx are added too."
  }
}

run "without_composite_alarms_the_contract_names_those_that_there_are" {
  command = plan

  variables {
    composite = false
    latency   = null
  }

  assert {
    condition = jsonencode(output.alarms) == jsonencode({
      blue  = ["web-blue-bad-requests", "web-blue-unhealthy-hosts"]
      green = ["web-green-bad-requests", "web-green-unhealthy-hosts"]
    })
    error_message = "Each alarm of a color, and only those that were made."
  }

  assert {
    condition     = length(aws_cloudwatch_composite_alarm.color) == 0 && length(aws_cloudwatch_metric_alarm.latency) == 0
    error_message = "There is no composite alarm, and none of latency."
  }
}

run "flows_have_hosts_alone" {
  command = plan

  variables {
    load_balancer = { type = "network", arn_suffix = "net/web/f07e6b5d4c3a2918" }
  }

  assert {
    condition = (
      length(aws_cloudwatch_metric_alarm.bad_requests) == 0 && length(aws_cloudwatch_metric_alarm.latency) == 0 && length(aws_cloudwatch_metric_alarm.resets) == 0
      && aws_cloudwatch_composite_alarm.color["green"].alarm_rule == "ALARM(\"web-green-unhealthy-hosts\")"
    )
    error_message = "A Network Load Balancer counts no requests."
  }

  assert {
    condition = (
      aws_cloudwatch_metric_alarm.unhealthy_hosts["green"].namespace == "AWS/NetworkELB"
      && aws_cloudwatch_metric_alarm.unhealthy_hosts["green"].dimensions == tomap({ LoadBalancer = "net/web/f07e6b5d4c3a2918", TargetGroup = "targetgroup/web-green/09966783158cda59" })
    )
    error_message = "Its metrics have a namespace of their own."
  }
}

run "resets_guard_both_colors" {
  command = plan

  variables {
    load_balancer = { type = "network", arn_suffix = "net/web/f07e6b5d4c3a2918" }
    resets        = { above = 50 }
    composite     = false
  }

  assert {
    condition = jsonencode(output.alarms) == jsonencode({
      blue  = ["web-blue-unhealthy-hosts", "web-resets"]
      green = ["web-green-unhealthy-hosts", "web-resets"]
    })
    error_message = "CloudWatch has the resets of both colors in one number."
  }

  assert {
    condition = (
      aws_cloudwatch_metric_alarm.resets[0].metric_name == "TCP_Target_Reset_Count" && aws_cloudwatch_metric_alarm.resets[0].threshold == 50
      && aws_cloudwatch_metric_alarm.resets[0].dimensions == tomap({ LoadBalancer = "net/web/f07e6b5d4c3a2918" })
      && aws_cloudwatch_metric_alarm.resets[0].statistic == "Sum" && aws_cloudwatch_metric_alarm.resets[0].treat_missing_data == "notBreaching"
    )
    error_message = "Its only dimension is the load balancer."
  }
}
