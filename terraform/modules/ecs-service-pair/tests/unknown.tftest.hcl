# Nothing that AWS names must be known before the apply: a team makes its cluster, secrets and keys in the same one.
mock_provider "aws" {
  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }
}

run "everything_may_be_made_in_the_same_apply" {
  command = plan

  module {
    source = "./tests/unknown"
  }

  assert {
    condition     = output.services == { blue = "web-blue", green = "web-green" }
    error_message = "The plan knows the services by their names."
  }
}
