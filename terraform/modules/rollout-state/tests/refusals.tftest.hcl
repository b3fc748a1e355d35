# Every validation of the module, refusing.
# They run on tests/inputs, the variables.tf of the module and nothing else, so that no provider starts.

variables {
  name = "bluegreen-web"
}

run "a_name_is_long_enough_for_dynamodb" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    name = "bg"
  }

  expect_failures = [var.name]
}

run "a_key_is_named_by_the_arn_of_the_key" {
  command = plan

  module {
    source = "./tests/inputs"
  }

  variables {
    kms_key_arn = "arn:aws:kms:eu-central-1:123456789012:alias/web"
  }

  expect_failures = [var.kms_key_arn]
}
