#!/bin/sh
# LocalStack runs this when it is ready: the example stands about 70 s later, most of them the AWS provider waiting.
# GET /_localstack/init says how it went.
set -eu
[ "${APPLY_EXAMPLE:-1}" = 1 ] || exit 0

cd "${EXAMPLE:-/opt/bluegreen/terraform/examples/lab}"
# What an earlier start has left in the state is gone with LocalStack's memory.
rm -f terraform.tfstate terraform.tfstate.backup

export AWS_ENDPOINT_URL="${AWS_ENDPOINT_URL:-http://127.0.0.1:4566}" AWS_EC2_METADATA_DISABLED=true
export CHECKPOINT_DISABLE=1 TF_IN_AUTOMATION=1
terraform apply -auto-approve -input=false -no-color
