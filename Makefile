PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
# Twice what two cores have: Terraform's provider and the rollouts spend minutes of the tests waiting.
WORKERS ?= 4
SCAN   := .venv-scan
MINI   := .venv-ministack
# As toolkit/infra/program.py chooses: what BLUEGREEN_TERRAFORM names, else terraform, else tofu.
TERRAFORM := $(or $(BLUEGREEN_TERRAFORM),$(shell command -v terraform || command -v tofu))
PURE   := toolkit/errors.py,toolkit/traffic.py,toolkit/contract.py,toolkit/settings.py,toolkit/rollout/*,toolkit/analysis/*,toolkit/adoption/*,toolkit/drift/*

.PHONY: help setup demo test lint format scan matrix bench lock clean

help: ## what the targets do
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 17

setup: $(STAMP) ## fill .venv from the hashed lock file

$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
	  { echo "bluegreen needs Python 3.11 or newer; name one: make $(MAKECMDGOALS) PYTHON=python3.12" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

.PHONY: terraform-present
terraform-present:
	@command -v "$(TERRAFORM)" >/dev/null || { echo "terraform is not on the PATH, and neither is tofu; get version 1.9 or newer of either from https://developer.hashicorp.com/terraform/install or https://opentofu.org/docs/intro/install" >&2; exit 1; }

demo: terraform-present $(STAMP) ## provision, release, let a bad release be taken back, under real traffic, offline
	$(BIN)/bluegreen lab demo

test: terraform-present $(STAMP) ## the whole test suite
	$(BIN)/python -m pytest --numprocesses $(WORKERS) --dist loadfile --no-loadscope-reorder --cov --cov-report=
	@echo "coverage of the pure rooms:"
	@$(BIN)/coverage report --fail-under=95 --include='$(PURE)'

.PHONY: test-slow
test-slow: terraform-present $(STAMP) ## what takes minutes: releases judged by CloudWatch's minutes, benchmarks that must notice faults
	$(BIN)/python -m pytest -m slow tests/e2e tests/benchmarks tests/lab tests/runner

lint: terraform-present $(STAMP) ## ruff, mypy, import-linter, terraform fmt and validate, the modules' READMEs
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python terraform/readme.py --check
	$(BIN)/python terraform/check.py

format: terraform-present $(STAMP) ## put the code in form, and fill the modules' READMEs
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	"$(TERRAFORM)" fmt -recursive terraform
	$(BIN)/python terraform/readme.py

scan: $(SCAN)/.installed ## look for insecure Terraform with checkov, in an environment of its own
	$(SCAN)/bin/checkov --config-file terraform/scan.yaml

# checkov pins old releases of much that the toolkit uses too, boto3 among them.
$(SCAN)/.installed: terraform/scan.lock
	$(PYTHON) -m venv $(SCAN)
	$(SCAN)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r terraform/scan.lock
	@touch $@

.PHONY: localstack-up localstack-down
localstack-up: $(STAMP) ## start the open-source LocalStack, without Docker
	@$(BIN)/python localstack/host.py up

localstack-down: $(STAMP) ## stop it
	@$(BIN)/python localstack/host.py down

.PHONY: test-localstack
test-localstack: terraform-present $(STAMP) ## contract suites, a release and the demo on a LocalStack of their own
	@$(BIN)/python -m tests.localstack
	$(BIN)/python -m pytest -m localstack tests/localstack

matrix: terraform-present $(STAMP) $(MINI)/.installed ## what passes on which emulator, into docs/emulators.md; ENDPOINT=… ONLY=…
	$(BIN)/python -m tests.emulators.report $(if $(ENDPOINT),--endpoint $(ENDPOINT)) $(if $(ONLY),--only $(ONLY))

# MiniStack runs Lambda functions in its own interpreter, so nothing of ours stands there.
$(MINI)/.installed: tests/emulators/ministack.lock
	$(PYTHON) -m venv $(MINI)
	$(MINI)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r tests/emulators/ministack.lock
	@touch $@

bench: terraform-present $(STAMP) ## every benchmark, one JSON object each
	$(BIN)/python -m tests.benchmarks.startup
	$(BIN)/python -m tests.benchmarks.rollback_latency
	$(BIN)/python -m tests.benchmarks.zero_downtime
	$(BIN)/python -m tests.benchmarks.zero_downtime --nlb
	$(BIN)/python -m tests.benchmarks.crash --strategy canary
	$(BIN)/python -m tests.benchmarks.faults
	$(BIN)/python -m tests.benchmarks.race --rounds 200
	$(BIN)/python -m tests.benchmarks.fleet --services 500
	$(BIN)/python -m tests.benchmarks.deploy
	$(BIN)/python -m tests.benchmarks.deploy --workload asg
	$(BIN)/python -m tests.benchmarks.rolling
	$(BIN)/python -m tests.benchmarks.detection

COMPILE = $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --no-emit-find-links --no-annotate --no-header

lock: $(STAMP) ## resolve these lock files anew
	$(COMPILE) --extra dev --extra lab pyproject.toml -o requirements.lock
	echo 'checkov>=3.3,<4' | $(COMPILE) - -o terraform/scan.lock
	$(subst 3.11,3.13,$(COMPILE)) --project localstack/plugin --extra host localstack/plugin/pyproject.toml \
	  -o localstack/requirements.lock
	echo 'ministack==1.5.33' | $(COMPILE) - -o tests/emulators/ministack.lock

clean: ## remove what was made here
	rm -rf $(VENV) $(SCAN) $(MINI) .venv-localstack .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage dist .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
