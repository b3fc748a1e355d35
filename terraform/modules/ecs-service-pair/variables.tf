variable "name" {
  description = "Name of the service: of its task definitions' family, of its cluster if one is made here, and of the ECS services, `<name>-blue` and `<name>-green`."
  type        = string
  nullable    = false

  # As the target groups of the pair: they take 26 characters before "-green", and the roles' prefixes no more.
  validation {
    condition     = can(regex("^[a-zA-Z0-9]([a-zA-Z0-9-]{0,24}[a-zA-Z0-9])?$", var.name))
    error_message = "Write a name of 1 to 26 letters, digits and hyphens that neither begins nor ends with a hyphen, the one of the target-group-pair."
  }
}

variable "cluster" {
  description = "The ECS cluster to use, by its name or ARN. null: a cluster with the service's name is made here."
  type        = object({ name = string })
  default     = null

  validation {
    condition     = var.cluster == null ? true : can(regex("^(arn:[^:]+:ecs:[^:]+:[0-9]{12}:cluster/)?[a-zA-Z0-9_-]{1,255}$", var.cluster.name))
    error_message = "Write cluster.name as the name of a cluster or as its ARN, \"arn:aws:ecs:<region>:<account>:cluster/<name>\"."
  }
}

variable "container_insights" {
  description = "What CloudWatch records of a cluster made here: `disabled`, `enabled` (Container Insights) or `enhanced` (down to the container); AWS bills what it records."
  type        = string
  default     = "enabled"
  nullable    = false

  validation {
    condition     = contains(["disabled", "enabled", "enhanced"], var.container_insights)
    error_message = "Write container_insights as \"disabled\", \"enabled\" or \"enhanced\"."
  }
}

variable "capacity" {
  description = "Where tasks run: `launch_type` `FARGATE` or `EC2`. With `providers` the services take these capacity providers instead of the launch type: `FARGATE` and `FARGATE_SPOT`, or those of Auto Scaling groups with launch type `EC2`. `platform_version` is Fargate's."
  type = object({
    launch_type      = optional(string, "FARGATE")
    platform_version = optional(string)
    providers = optional(list(object({
      name   = string
      weight = optional(number, 1)
      base   = optional(number, 0)
    })), [])
  })
  default  = {}
  nullable = false

  validation {
    condition     = contains(["FARGATE", "EC2"], var.capacity.launch_type)
    error_message = "Write capacity.launch_type as \"FARGATE\" or \"EC2\"."
  }

  validation {
    condition     = alltrue([for provider in var.capacity.providers : startswith(provider.name, "FARGATE") == (var.capacity.launch_type == "FARGATE")])
    error_message = "Write \"FARGATE\" and \"FARGATE_SPOT\" as capacity.providers with capacity.launch_type \"FARGATE\", and those of Auto Scaling groups with \"EC2\": a service takes one sort alone."
  }

  # CapacityProviderStrategyItem, ECS API reference.
  validation {
    condition = (
      alltrue([for provider in var.capacity.providers : provider.weight >= 0 && provider.weight <= 1000 && provider.base >= 0 && provider.base <= 100000])
      && (length(var.capacity.providers) == 0 || anytrue([for provider in var.capacity.providers : provider.weight > 0]))
    )
    error_message = "Write weights from 0 to 1000, at least one of them above 0, and bases from 0 to 100000 in capacity.providers."
  }

  validation {
    condition     = length([for provider in var.capacity.providers : provider if provider.base > 0]) <= 1
    error_message = "Write a base for one of capacity.providers alone."
  }

  validation {
    condition     = var.capacity.platform_version == null || var.capacity.launch_type == "FARGATE"
    error_message = "Leave capacity.platform_version out with launch type \"EC2\": only Fargate has one."
  }
}

variable "task" {
  description = "Size of a task: `cpu` in 1024ths of a virtual CPU, `memory` in MiB; `architecture` is `X86_64` or `ARM64`, `ephemeral_storage_gib` more than Fargate's 20 GiB of disk."
  type = object({
    cpu                   = optional(number, 256)
    memory                = optional(number, 512)
    architecture          = optional(string, "X86_64")
    ephemeral_storage_gib = optional(number)
  })
  default  = {}
  nullable = false

  # "Task size", ECS developer guide: with 256 of cpu 512, 1024 or 2048 MiB, with more a range in steps.
  validation {
    condition = var.capacity.launch_type != "FARGATE" ? true : try(contains(
      {
        "256"   = [512, 1024, 2048]
        "512"   = range(1024, 4097, 1024)
        "1024"  = range(2048, 8193, 1024)
        "2048"  = range(4096, 16385, 1024)
        "4096"  = range(8192, 30721, 1024)
        "8192"  = range(16384, 61441, 4096)
        "16384" = range(32768, 122881, 8192)
      }[tostring(var.task.cpu)], var.task.memory
    ), false)
    error_message = "Write task.cpu and task.memory as a pair that Fargate has, such as 256 and 512, 512 and 1024, or 1024 and 2048: \"Task size\" in the ECS developer guide lists them."
  }

  validation {
    condition     = var.task.cpu >= 128 && var.task.memory >= 4 && floor(var.task.cpu) == var.task.cpu && floor(var.task.memory) == var.task.memory
    error_message = "Write task.cpu as a whole number of at least 128 (1024 is one virtual CPU) and task.memory as whole MiB of at least 4."
  }

  validation {
    condition     = contains(["X86_64", "ARM64"], var.task.architecture)
    error_message = "Write task.architecture as \"X86_64\" or \"ARM64\"."
  }

  # EphemeralStorage, ECS API reference.
  validation {
    condition     = var.task.ephemeral_storage_gib == null ? true : var.capacity.launch_type == "FARGATE" && var.task.ephemeral_storage_gib >= 21 && var.task.ephemeral_storage_gib <= 200
    error_message = "Write task.ephemeral_storage_gib from 21 to 200, with launch type \"FARGATE\" alone; left out, a task has 20 GiB."
  }
}

variable "container" {
  description = "The container of a task. `image` is what both colors begin with; later ones are bluegreen's to bring. `health_check_port` is the target groups' if it is not `port`. `secrets` maps a variable of the environment to the ARN of a secret or parameter, `registry_secret_arn` names the secret of a private registry that is not ECR, and `health` is a command that ECS runs in the container besides the load balancer's checks."
  type = object({
    name                 = optional(string, "app")
    image                = string
    port                 = optional(number, 8080)
    health_check_port    = optional(number)
    command              = optional(list(string))
    entry_point          = optional(list(string))
    user                 = optional(string)
    environment          = optional(map(string), {})
    secrets              = optional(map(string), {})
    registry_secret_arn  = optional(string)
    read_only            = optional(bool, false)
    stop_timeout_seconds = optional(number, 30)
    health = optional(object({
      command          = list(string)
      interval_seconds = optional(number, 30)
      timeout_seconds  = optional(number, 5)
      retries          = optional(number, 3)
      grace_seconds    = optional(number, 0)
    }))
  })
  nullable = false

  # ContainerDefinition, ECS API reference.
  validation {
    condition     = can(regex("^[a-zA-Z0-9_-]{1,255}$", var.container.name))
    error_message = "Write container.name of 1 to 255 letters, digits, underscores and hyphens."
  }

  validation {
    condition     = can(regex("^[a-zA-Z0-9][a-zA-Z0-9_./:@-]{0,254}$", var.container.image)) && !strcontains(var.container.image, "//")
    error_message = "Write container.image as \"<registry>/<repository>:<tag>\" or \"<registry>/<repository>@sha256:<digest>\", of at most 255 characters and without a scheme."
  }

  validation {
    condition     = alltrue([for port in compact([var.container.port, var.container.health_check_port]) : port >= 1 && port <= 65535 && floor(port) == tonumber(port)])
    error_message = "Write container.port and container.health_check_port as whole numbers from 1 to 65535."
  }

  validation {
    condition     = alltrue([for name in concat(keys(var.container.environment), keys(var.container.secrets)) : can(regex("^[^=[:space:]]+$", name))])
    error_message = "Write names of environment variables in container.environment and container.secrets, without \"=\" and blanks."
  }

  validation {
    condition     = length(setintersection(keys(var.container.environment), keys(var.container.secrets))) == 0
    error_message = "Write each variable in container.environment or in container.secrets, not in both: ECS refuses a name twice."
  }

  validation {
    condition     = alltrue([for arn in compact(concat(values(var.container.secrets), [var.container.registry_secret_arn])) : can(regex("^arn:[^:]+:(secretsmanager:[^:]+:[0-9]{12}:secret:|ssm:[^:]+:[0-9]{12}:parameter/)", arn))])
    error_message = "Write the ARN of a secret (\"arn:aws:secretsmanager:...:secret:...\") or of a parameter (\"arn:aws:ssm:...:parameter/...\") in container.secrets and container.registry_secret_arn, never a secret itself."
  }

  # "Task definition parameters for Fargate": 120 seconds at most.
  validation {
    condition     = var.container.stop_timeout_seconds >= 2 && (var.container.stop_timeout_seconds <= 120 || var.capacity.launch_type == "EC2")
    error_message = "Write container.stop_timeout_seconds of at least 2, and at most 120 on Fargate."
  }

  # HealthCheck, ECS API reference.
  validation {
    condition = var.container.health == null ? true : (
      contains(["CMD", "CMD-SHELL"], try(var.container.health.command[0], "")) && length(var.container.health.command) >= 2
    )
    error_message = "Write container.health.command as a list that begins with \"CMD\" (then program and arguments) or \"CMD-SHELL\" (then one line for the shell), such as [\"CMD-SHELL\", \"curl -f http://localhost:8080/healthz || exit 1\"]."
  }

  validation {
    condition = var.container.health == null ? true : (
      var.container.health.interval_seconds >= 5 && var.container.health.interval_seconds <= 300
      && var.container.health.timeout_seconds >= 2 && var.container.health.timeout_seconds <= 60
      && var.container.health.retries >= 1 && var.container.health.retries <= 10
      && var.container.health.grace_seconds >= 0 && var.container.health.grace_seconds <= 300
    )
    error_message = "Write container.health with interval_seconds from 5 to 300, timeout_seconds from 2 to 60, retries from 1 to 10 and grace_seconds from 0 to 300."
  }
}

variable "network" {
  description = "Where tasks live: the VPC and its subnets, the load balancer's security group (the only one that reaches tasks), and `egress`, whom tasks reach, by a key of your own: a block or another security group, and a port; the default is HTTPS to everywhere, for image, logs and secrets. `security_group_ids` are further groups of the tasks. `assign_public_ip` is what Fargate needs in a public subnet without NAT. `load_balancer_egress` is false where somebody else lets the load balancer out to the tasks."
  type = object({
    vpc_id                          = string
    subnet_ids                      = list(string)
    load_balancer_security_group_id = string
    load_balancer_egress            = optional(bool, true)
    assign_public_ip                = optional(bool, false)
    security_group_ids              = optional(list(string), [])
    egress = optional(map(object({
      port              = number
      cidr_block        = optional(string)
      security_group_id = optional(string)
    })), { https = { port = 443, cidr_block = "0.0.0.0/0" } })
  })
  nullable = false

  validation {
    condition     = startswith(var.network.vpc_id, "vpc-")
    error_message = "Write network.vpc_id as the ID of a VPC, such as \"vpc-0123456789abcdef0\"."
  }

  validation {
    condition     = length(var.network.subnet_ids) > 0 && length(var.network.subnet_ids) <= 16
    error_message = "Write 1 to 16 subnets in network.subnet_ids, best in two availability zones or more."
  }

  # "Amazon ECS task networking options": only Fargate gives a task's own network interface a public address.
  validation {
    condition     = !var.network.assign_public_ip || var.capacity.launch_type == "FARGATE"
    error_message = "Leave network.assign_public_ip out with launch type \"EC2\": tasks there have no public addresses; use private subnets with a NAT gateway or VPC endpoints."
  }

  validation {
    condition     = length(var.network.security_group_ids) <= 4
    error_message = "Write at most 4 further groups in network.security_group_ids: a task takes 5, and one is made here."
  }

  validation {
    condition     = alltrue([for out in values(var.network.egress) : (out.cidr_block == null) != (out.security_group_id == null)])
    error_message = "Write cidr_block or security_group_id, one of the two, in each network.egress."
  }

  validation {
    condition     = alltrue([for out in values(var.network.egress) : out.port >= 1 && out.port <= 65535 && floor(out.port) == out.port])
    error_message = "Write the port of each network.egress as a whole number from 1 to 65535."
  }
}

variable "target_groups" {
  description = "The pair, as `target-group-pair` outputs it with target type `ip`."
  type = object({
    blue  = object({ arn = string, arn_suffix = string })
    green = object({ arn = string, arn_suffix = string })
  })
  nullable = false

  validation {
    condition     = var.target_groups.blue.arn != var.target_groups.green.arn
    error_message = "Write two different target groups: blue and green are the same one."
  }
}

variable "route_arns" {
  description = "The ARNs of all routes that forward to the pair, `[module.route.route.arn]`. The services wait for them: ECS refuses a target group that no load balancer uses yet."
  type        = list(string)
  nullable    = false

  validation {
    condition     = length(var.route_arns) > 0
    error_message = "Write at least one route, such as [module.route.route.arn]: ECS refuses a target group that no load balancer uses."
  }
}

variable "initial" {
  description = "How many tasks each color is created with; a new pair's traffic is on blue. With `autoscaling` these are its first minimums too. Later changes here do nothing: bluegreen owns the counts after the first apply."
  type = object({
    blue  = optional(number, 2)
    green = optional(number, 0)
  })
  default  = {}
  nullable = false

  validation {
    condition     = alltrue([for count in values(var.initial) : count >= 0 && floor(count) == count])
    error_message = "Write initial.blue and initial.green as whole numbers of 0 or more."
  }
}

variable "autoscaling" {
  description = "Application Auto Scaling of each color up to `maximum` tasks, so that the average CPU stays at `cpu_percent` and the requests per task and minute at `requests_per_target` (which needs the load balancer's `arn_suffix`). With neither there are only the bounds. null: none."
  type = object({
    maximum                    = number
    cpu_percent                = optional(number)
    requests_per_target        = optional(object({ target = number, load_balancer_arn_suffix = string }))
    scale_in_cooldown_seconds  = optional(number, 300)
    scale_out_cooldown_seconds = optional(number, 60)
  })
  default = null

  validation {
    condition     = var.autoscaling == null ? true : var.autoscaling.maximum >= max(1, var.initial.blue, var.initial.green) && floor(var.autoscaling.maximum) == var.autoscaling.maximum
    error_message = "Write autoscaling.maximum as a whole number of at least 1, and not below initial.blue and initial.green."
  }

  validation {
    condition     = try(var.autoscaling.cpu_percent, null) == null ? true : var.autoscaling.cpu_percent >= 1 && var.autoscaling.cpu_percent <= 100
    error_message = "Write autoscaling.cpu_percent from 1 to 100, such as 60."
  }

  validation {
    condition     = try(var.autoscaling.requests_per_target, null) == null ? true : var.autoscaling.requests_per_target.target > 0 && startswith(var.autoscaling.requests_per_target.load_balancer_arn_suffix, "app/")
    error_message = "Write autoscaling.requests_per_target with a target above 0 and the arn_suffix of an Application Load Balancer, \"app/...\": a Network Load Balancer counts no requests."
  }

  validation {
    condition     = var.autoscaling == null ? true : var.autoscaling.scale_in_cooldown_seconds >= 0 && var.autoscaling.scale_out_cooldown_seconds >= 0
    error_message = "Write the cooldowns of autoscaling as 0 or more seconds."
  }
}

variable "deployment" {
  description = "How ECS replaces the tasks of one color: never fewer than `minimum_percent` of the desired ones, never more than `maximum_percent`; a new task has `health_check_grace_seconds` before the load balancer's checks count. `zone_rebalancing` lets ECS move tasks between availability zones when they are uneven."
  type = object({
    minimum_percent            = optional(number, 100)
    maximum_percent            = optional(number, 200)
    health_check_grace_seconds = optional(number, 60)
    zone_rebalancing           = optional(bool, true)
  })
  default  = {}
  nullable = false

  validation {
    condition     = var.deployment.minimum_percent >= 0 && var.deployment.minimum_percent <= 100 && var.deployment.maximum_percent >= 100 && var.deployment.maximum_percent <= 1000
    error_message = "Write deployment.minimum_percent from 0 to 100 and deployment.maximum_percent from 100 to 1000."
  }

  validation {
    condition     = var.deployment.minimum_percent < var.deployment.maximum_percent
    error_message = "Write deployment.minimum_percent below deployment.maximum_percent: between them lies the room in which ECS replaces tasks."
  }

  validation {
    condition     = !var.deployment.zone_rebalancing || var.deployment.maximum_percent > 100
    error_message = "Write deployment.maximum_percent above 100, or zone_rebalancing = false: a task that moves is started before its predecessor is stopped."
  }

  validation {
    condition     = var.deployment.health_check_grace_seconds >= 0 && var.deployment.health_check_grace_seconds <= 2147483647
    error_message = "Write deployment.health_check_grace_seconds as 0 or more seconds."
  }
}

variable "logs" {
  description = "The log group of both colors, `/ecs/<name>`: how many days it keeps, and the KMS key that encrypts it instead of CloudWatch's own."
  type = object({
    retention_days = optional(number, 30)
    kms_key_arn    = optional(string)
  })
  default  = {}
  nullable = false

  # PutRetentionPolicy, CloudWatch Logs API reference.
  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.logs.retention_days)
    error_message = "Write logs.retention_days as CloudWatch Logs has it: 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288 or 3653."
  }

  validation {
    condition     = var.logs.kms_key_arn == null || can(regex("^arn:[^:]+:kms:[^:]+:[0-9]{12}:key/", var.logs.kms_key_arn))
    error_message = "Write logs.kms_key_arn as the ARN of a key, \"arn:aws:kms:<region>:<account>:key/<id>\", or leave it out."
  }
}

variable "roles" {
  description = "Further policies of the two roles, by a key of your own: `execution_policy_arns` for what ECS does before a container runs, `task_policy_arns` for what the application may do. `secret_kms_key_arns` are the keys that encrypt the secrets, where they are not AWS's own. `ecr_repository_arns` are repositories in ECR that images may come from, besides the one that `container.image` names."
  type = object({
    execution_policy_arns    = optional(map(string), {})
    task_policy_arns         = optional(map(string), {})
    secret_kms_key_arns      = optional(list(string), [])
    ecr_repository_arns      = optional(list(string), [])
    permissions_boundary_arn = optional(string)
  })
  default  = {}
  nullable = false

  validation {
    condition     = alltrue([for arn in compact(concat(values(var.roles.execution_policy_arns), values(var.roles.task_policy_arns), [var.roles.permissions_boundary_arn])) : can(regex("^arn:[^:]+:iam::(aws|[0-9]{12}):policy/", arn))])
    error_message = "Write policies in roles by the ARN, \"arn:aws:iam::<account>:policy/<name>\"."
  }

  validation {
    condition     = alltrue([for arn in var.roles.secret_kms_key_arns : can(regex("^arn:[^:]+:kms:[^:]+:[0-9]{12}:key/", arn))])
    error_message = "Write roles.secret_kms_key_arns as ARNs of keys, \"arn:aws:kms:<region>:<account>:key/<id>\"."
  }

  validation {
    condition     = alltrue([for arn in var.roles.ecr_repository_arns : can(regex("^arn:[^:]+:ecr:[^:]+:[0-9]{12}:repository/", arn))])
    error_message = "Write roles.ecr_repository_arns as ARNs of repositories, \"arn:aws:ecr:<region>:<account>:repository/<name>\"."
  }
}

variable "tags" {
  description = "Tags of everything that is made here; the services' are passed on to their tasks, and each service also has `bluegreen:color`."
  type        = map(string)
  default     = {}
  nullable    = false
}
