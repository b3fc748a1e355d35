# ECS refuses a service whose target group no load balancer uses: no service is made before the routes are.
mock_provider "aws" {
  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }

  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::123456789012:role/web" }
  }

  mock_resource "aws_ecs_cluster" {
    defaults = { arn = "arn:aws:ecs:eu-central-1:123456789012:cluster/web" }
  }
}

# Only the route fails. Were the services not to wait for it, they would be made, and then the witness would fail too.
run "services_wait_for_their_routes" {
  module {
    source = "./tests/order"
  }

  expect_failures = [terraform_data.route]
}
