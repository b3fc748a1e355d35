output "alarms" {
  description = "Per color the names of the alarms that guard it, in the deployment contract's words: goes into `alarms` of `deployment-contract` as it is. With `composite` one name a color."
  value = {
    for color in local.colors : color => var.composite ? [aws_cloudwatch_composite_alarm.color[color].alarm_name] : local.alarms_of[color]
  }
}
