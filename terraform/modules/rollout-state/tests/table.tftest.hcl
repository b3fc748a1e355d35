# The table as DynamoDB gets it, and the contract's words for it.
mock_provider "aws" {
  override_during = plan

  mock_resource "aws_dynamodb_table" {
    defaults = { arn = "arn:aws:dynamodb:eu-central-1:123456789012:table/bluegreen-web" }
  }
}

variables {
  name = "bluegreen-web"
}

run "defaults" {
  command = plan

  assert {
    condition = (
      aws_dynamodb_table.this.hash_key == "pk" && aws_dynamodb_table.this.range_key == "sk"
      && alltrue([for attribute in aws_dynamodb_table.this.attribute : attribute.type == "S"])
    )
    error_message = "The keys are the strings pk and sk."
  }

  assert {
    condition     = aws_dynamodb_table.this.billing_mode == "PAY_PER_REQUEST"
    error_message = "The table is billed on demand."
  }

  assert {
    condition     = one(aws_dynamodb_table.this.server_side_encryption).enabled && one(aws_dynamodb_table.this.point_in_time_recovery).enabled
    error_message = "The table is encrypted with a KMS key and recoverable to a point in time."
  }

  assert {
    condition     = length([for ttl in aws_dynamodb_table.this.ttl : ttl if coalesce(ttl.enabled, false)]) == 0
    error_message = "Nothing of the journal expires."
  }

  assert {
    condition     = aws_dynamodb_table.this.deletion_protection_enabled
    error_message = "The table is protected against deletion."
  }

  assert {
    condition = output.state_table == {
      name = "bluegreen-web"
      arn  = "arn:aws:dynamodb:eu-central-1:123456789012:table/bluegreen-web"
    }
    error_message = "state_table is what deployment-contract takes."
  }
}

run "a_key_of_ones_own_and_no_protection" {
  command = plan

  variables {
    deletion_protection = false
    kms_key_arn         = "arn:aws:kms:eu-central-1:123456789012:key/0b6d0a3c-0000-4000-8000-000000000000"
  }

  assert {
    condition     = one(aws_dynamodb_table.this.server_side_encryption).kms_key_arn == var.kms_key_arn
    error_message = "The given key encrypts the table."
  }

  assert {
    condition     = !aws_dynamodb_table.this.deletion_protection_enabled
    error_message = "The protection can be turned off."
  }
}
