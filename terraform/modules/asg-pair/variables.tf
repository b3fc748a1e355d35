variable "name" {
  description = "Name of the service. Launch templates and Auto Scaling groups are named `<name>-blue` and `<name>-green`."
  type        = string
  nullable    = false

  # A role's name prefix has at most 38 characters, with the hyphen that is appended; a target group's name is shorter.
  validation {
    condition     = can(regex("^[a-zA-Z0-9]([a-zA-Z0-9-]{0,24}[a-zA-Z0-9])?$", var.name))
    error_message = "Write a name of 1 to 26 letters, digits and hyphens that neither begins nor ends with a hyphen, as target-group-pair takes it."
  }
}

variable "vpc_id" {
  description = "The VPC of the instances."
  type        = string
  nullable    = false

  validation {
    condition     = startswith(var.vpc_id, "vpc-")
    error_message = "Write the ID of a VPC, such as \"vpc-0123456789abcdef0\", not its name or ARN."
  }
}

variable "subnet_ids" {
  description = "The subnets of the instances, in the load balancer's availability zones. Whether instances get a public address is the subnets' to say."
  type        = list(string)
  nullable    = false

  validation {
    condition     = length(var.subnet_ids) > 0 && alltrue([for id in var.subnet_ids : startswith(id, "subnet-")])
    error_message = "Write at least one ID of a subnet, such as \"subnet-0123456789abcdef0\"; two availability zones are better."
  }
}

variable "target_groups" {
  description = "The pair of target type `instance`, as `target-group-pair` outputs it: each group registers its instances with its color's."
  type = object({
    blue  = object({ arn = string, arn_suffix = optional(string), target_type = optional(string, "instance") })
    green = object({ arn = string, arn_suffix = optional(string), target_type = optional(string, "instance") })
  })
  nullable = false

  validation {
    condition     = var.target_groups.blue.arn != var.target_groups.green.arn
    error_message = "Write two different target groups: blue and green are the same one."
  }

  # "Attach an Elastic Load Balancing load balancer to your Auto Scaling group", EC2 Auto Scaling user guide.
  validation {
    condition     = alltrue([for group in values(var.target_groups) : group.target_type == "instance"])
    error_message = "Write a pair of target_type \"instance\": Auto Scaling registers instances by their IDs, and AWS refuses it a target group of any other type."
  }
}

variable "route_arns" {
  description = "The ARNs of all routes of the pair (`route.arn` of `alb-route` or `nlb-route`). Nothing is done with them but to wait: instances come when a load balancer checks them, and leave before it does."
  type        = list(string)
  nullable    = false

  validation {
    condition     = length(var.route_arns) > 0
    error_message = "Write the ARN of at least one route, such as [module.route.route.arn]: a target group without a route checks nobody's health, and the first instances would never become healthy."
  }
}

variable "load_balancer" {
  description = "The load balancer as instances see it: `security_group_id` is where their requests come from, and `arn_suffix` what `scaling.requests_per_target` counts by. `add_egress` lets that security group out to the instances; turn it off where it has a way out already."
  type = object({
    security_group_id = string
    arn_suffix        = optional(string)
    add_egress        = optional(bool, true)
  })
  nullable = false

  validation {
    condition     = startswith(var.load_balancer.security_group_id, "sg-")
    error_message = "Write load_balancer.security_group_id as the ID of a security group, such as \"sg-0123456789abcdef0\"."
  }
}

variable "target_ports" {
  description = "The ports on which instances hear the load balancer: the pair's, and that of its health check where it is another."
  type        = set(number)
  default     = [8080]
  nullable    = false

  validation {
    condition     = length(var.target_ports) > 0 && alltrue([for port in var.target_ports : port >= 1 && port <= 65535 && floor(port) == port])
    error_message = "Write at least one whole number from 1 to 65535."
  }
}

variable "image_id" {
  description = "The AMI that both colors begin with. It is only a seed: afterwards a release brings the image, and changing this changes nothing."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^ami-[0-9a-f]+$", var.image_id))
    error_message = "Write the ID of an AMI, such as \"ami-0123456789abcdef0\"; \"resolve:ssm:...\" would leave open what runs."
  }
}

variable "instance_type" {
  description = "The type of the instances. A change reaches a color with its next release."
  type        = string
  default     = "t3.micro"
  nullable    = false

  validation {
    condition     = can(regex("^[a-z0-9-]+\\.[a-z0-9-]+$", var.instance_type))
    error_message = "Write an instance type, such as \"t3.micro\"."
  }
}

variable "initial_color" {
  description = "The color whose group gets instances when it is created; the other one gets none. As in the route it is only a seed."
  type        = string
  default     = "blue"
  nullable    = false

  validation {
    condition     = contains(["blue", "green"], var.initial_color)
    error_message = "Write \"blue\" or \"green\"."
  }
}

variable "capacity" {
  description = "How many instances. `min` and `desired` are seeds of `initial_color`, whose changes change nothing; `max` bounds each color at all times."
  type = object({
    min     = optional(number, 1)
    desired = optional(number, 2)
    max     = optional(number, 4)
  })
  default  = {}
  nullable = false

  validation {
    condition     = alltrue([for size in values(var.capacity) : size >= 0 && floor(size) == size])
    error_message = "Write capacity.min, capacity.desired and capacity.max as whole numbers of at least 0."
  }

  validation {
    condition     = var.capacity.min <= var.capacity.desired && var.capacity.desired <= var.capacity.max
    error_message = "Write capacity so that min is at most desired, and desired at most max."
  }

  validation {
    condition     = var.capacity.max >= 1
    error_message = "Write capacity.max as at least 1: no release finds room in a group that may hold nothing."
  }
}

variable "scaling" {
  description = "Target tracking of both groups: `cpu_percent` is the average that is aimed at, `requests_per_target` the requests a minute and instance (Application Load Balancers alone). With both, the larger group wins. null: no scaling policies."
  type = object({
    cpu_percent         = optional(number)
    requests_per_target = optional(number)
  })
  default = null

  validation {
    condition     = var.scaling == null ? true : var.scaling.cpu_percent != null || var.scaling.requests_per_target != null
    error_message = "Write scaling.cpu_percent or scaling.requests_per_target or both, or scaling = null for none."
  }

  validation {
    condition     = try(var.scaling.cpu_percent, null) == null ? true : var.scaling.cpu_percent > 0 && var.scaling.cpu_percent <= 100
    error_message = "Write scaling.cpu_percent as percent: above 0, at most 100."
  }

  validation {
    condition     = try(var.scaling.requests_per_target, null) == null ? true : var.scaling.requests_per_target > 0
    error_message = "Write scaling.requests_per_target as requests a minute and instance, above 0."
  }

  validation {
    condition = try(var.scaling.requests_per_target, null) == null ? true : var.load_balancer.arn_suffix != null && alltrue([
      for group in values(var.target_groups) : group.arn_suffix != null
    ])
    error_message = "Write load_balancer.arn_suffix and both target groups' arn_suffix: scaling.requests_per_target counts by them."
  }
}

variable "health_check_grace_seconds" {
  description = "For how long after its start an instance may be unhealthy without being replaced: longer than the slowest start of the application, 0 to 7200."
  type        = number
  default     = 120
  nullable    = false

  validation {
    condition     = var.health_check_grace_seconds >= 0 && var.health_check_grace_seconds <= 7200 && floor(var.health_check_grace_seconds) == var.health_check_grace_seconds
    error_message = "Write a whole number of seconds from 0 to 7200."
  }
}

variable "warmup_seconds" {
  description = "For how long after its start an instance's figures do not count for scaling, 0 to 3600."
  type        = number
  default     = 60
  nullable    = false

  validation {
    condition     = var.warmup_seconds >= 0 && var.warmup_seconds <= 3600 && floor(var.warmup_seconds) == var.warmup_seconds
    error_message = "Write a whole number of seconds from 0 to 3600."
  }
}

variable "wait_for_capacity_timeout" {
  description = "How long the first apply waits until the load balancer finds the instances of `initial_color` healthy; `0` does not wait."
  type        = string
  default     = "10m"
  nullable    = false

  validation {
    condition     = can(regex("^(0|([0-9]+[hms])+)$", var.wait_for_capacity_timeout))
    error_message = "Write a duration, such as \"10m\" or \"1h30m\", or \"0\" to wait for nothing."
  }
}

# "Configure termination policies for Amazon EC2 Auto Scaling", EC2 Auto Scaling user guide.
variable "termination_policies" {
  description = "Which instances go first when a group shrinks. By default those of an older version of the launch template, then the oldest."
  type        = list(string)
  default     = ["OldestLaunchTemplate", "OldestInstance"]
  nullable    = false

  validation {
    condition = length(var.termination_policies) > 0 && alltrue([
      for policy in var.termination_policies : contains(
        ["AllocationStrategy", "ClosestToNextInstanceHour", "Default", "NewestInstance", "OldestInstance", "OldestLaunchTemplate"], policy
      )
    ])
    error_message = "Write at least one of \"OldestLaunchTemplate\", \"OldestInstance\", \"NewestInstance\", \"ClosestToNextInstanceHour\", \"AllocationStrategy\" and \"Default\"."
  }
}

# User data has at most 16 KB before it is encoded ("Run commands when you launch an EC2 instance", EC2 user guide).
variable "user_data" {
  description = "What an instance runs at its first start, per color and not yet encoded; no secrets, as everybody on the instance can read it. A change reaches a color with its next release. null: a script that writes `COLOR=<color>` to `/etc/bluegreen.env`."
  type        = object({ blue = string, green = string })
  default     = null

  # length() counts characters and EC2 counts bytes: three bytes per four of base64, less the padding.
  validation {
    condition = var.user_data == null ? true : alltrue([
      for text in [for text in values(var.user_data) : base64encode(text)] : length(text) / 4 * 3 - length(regexall("=", text)) <= 16384
    ])
    error_message = "Write at most 16384 bytes of user data a color: EC2 takes no more. Let it fetch the rest, or bake it into the image."
  }
}

variable "root_volume" {
  description = "The root volume, always encrypted. `device_name` must be the one that the AMI calls its root device (`/dev/xvda` in Amazon Linux, `/dev/sda1` in Ubuntu), or a second volume is attached. Without `size_gib` it is as large as the AMI's, without `kms_key_arn` the key is the account's for EBS. null: volumes as the AMI describes them."
  type = object({
    device_name = optional(string, "/dev/xvda")
    type        = optional(string, "gp3")
    size_gib    = optional(number)
    kms_key_arn = optional(string)
  })
  default = {}

  validation {
    condition     = var.root_volume == null ? true : startswith(var.root_volume.device_name, "/dev/")
    error_message = "Write root_volume.device_name as the AMI's RootDeviceName, such as \"/dev/xvda\"."
  }

  validation {
    condition     = var.root_volume == null ? true : contains(["gp2", "gp3"], var.root_volume.type)
    error_message = "Write root_volume.type as \"gp3\" or \"gp2\"."
  }

  validation {
    condition     = try(var.root_volume.size_gib, null) == null ? true : var.root_volume.size_gib >= 1 && var.root_volume.size_gib <= 16384 && floor(var.root_volume.size_gib) == var.root_volume.size_gib
    error_message = "Write root_volume.size_gib as a whole number from 1 to 16384, and not less than the AMI's snapshot."
  }

  validation {
    condition     = try(var.root_volume.kms_key_arn, null) == null ? true : can(regex("^arn:[^:]+:kms:[^:]+:[0-9]{12}:key/", var.root_volume.kms_key_arn))
    error_message = "Write root_volume.kms_key_arn as the ARN of a key, \"arn:aws:kms:<region>:<account>:key/<id>\", whose policy lets the service-linked role of Auto Scaling use it."
  }
}

variable "role" {
  description = "What instances may do; nothing by default. `ssm` lets Session Manager in (there is no key pair); `policy_arns` are managed policies and `policies` JSON documents, each by a name that is known before apply."
  type = object({
    ssm                      = optional(bool, false)
    policy_arns              = optional(map(string), {})
    policies                 = optional(map(string), {})
    permissions_boundary_arn = optional(string)
  })
  default  = {}
  nullable = false

  validation {
    condition     = alltrue([for arn in values(var.role.policy_arns) : can(regex("^arn:[^:]+:iam::([0-9]{12}|aws):policy/", arn))])
    error_message = "Write role.policy_arns as ARNs of policies, such as { logs = \"arn:aws:iam::123456789012:policy/logs\" }."
  }

  validation {
    condition     = alltrue([for document in values(var.role.policies) : can(jsondecode(document).Statement)])
    error_message = "Write role.policies as JSON documents with a Statement, such as { queue = jsonencode({ Version = \"2012-10-17\", Statement = [...] }) }."
  }

  validation {
    condition     = !(var.role.ssm && contains(keys(var.role.policy_arns), "ssm-core"))
    error_message = "Write role.ssm or the key ssm-core in role.policy_arns, and not both."
  }
}

variable "egress" {
  description = "Where instances may open TCP connections to. By default nowhere; Session Manager and package mirrors want 443."
  type = set(object({
    port       = number
    cidr_block = string
  }))
  default  = []
  nullable = false

  validation {
    condition     = alltrue([for rule in var.egress : rule.port >= 1 && rule.port <= 65535 && floor(rule.port) == rule.port])
    error_message = "Write each egress port as a whole number from 1 to 65535."
  }

  validation {
    condition     = alltrue([for rule in var.egress : can(cidrnetmask(rule.cidr_block))])
    error_message = "Write each egress cidr_block as an IPv4 block, such as \"10.0.0.0/16\"."
  }
}

variable "security_group_ids" {
  description = "Further security groups of the instances, such as the one that a database lets in."
  type        = list(string)
  default     = []
  nullable    = false

  # An interface has at most five by default ("Amazon VPC quotas", VPC user guide), and one is the module's.
  validation {
    condition     = length(var.security_group_ids) <= 4
    error_message = "Write at most 4 security groups: an instance has 5, and one is the module's own."
  }
}

variable "metadata_hop_limit" {
  description = "How many hops an answer of the metadata service may take: 1, or 2 for containers on the instance that need the role. Version 2 of the service is required in any case."
  type        = number
  default     = 1
  nullable    = false

  validation {
    condition     = contains([1, 2], var.metadata_hop_limit)
    error_message = "Write 1 or 2."
  }
}

variable "detailed_monitoring" {
  description = "Whether CloudWatch gets the instances' figures every minute, at AWS's price, and not every five: scaling by CPU reacts as fast as they come."
  type        = bool
  default     = true
  nullable    = false
}

variable "tags" {
  description = "Tags of everything, instances and volumes included; what belongs to one color also gets `Name` and `bluegreen:color`."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for key in keys(var.tags) : can(regex("^[a-zA-Z0-9+=.,_:@-]+$", key))])
    error_message = "Write tags whose keys are letters, digits and + - = . , _ : @: instances read their tags from the metadata service, which takes no others."
  }
}
