# The targets of the project. `make` alone lists them.
.DEFAULT_GOAL := help
.PHONY: help demo drill up stop clean test test-fast test-odoo test-system bench hooks lint audit sbom wheels docs new-metric rules new-alert dashboards preview mutations review

# The Python that the project's own environment is made with.
PYTHON ?= $(shell for python in python3 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)

# Runs a command in that environment, which is made when it is first needed.
in_environment = @test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed: install it, or name it with PYTHON=" >&2; exit 1; }; \
	python=$$($(PYTHON) -m stack.provide.environment) && exec $$python

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: ## Start the whole system, generate traffic, and compare metrics with records (DEMO_SECONDS, default 90)
	$(in_environment) -m stack demo

drill: ## Start the whole system, cause real faults, and check the notifications (about 15 minutes)
	$(in_environment) -m stack drill

up: ## Start the whole system and leave it running
	$(in_environment) -m stack up

stop: ## Stop the whole system, and keep its data
	$(in_environment) -m stack stop

clean: ## Stop the whole system, and delete its data; downloads stay in the cache
	$(in_environment) -m stack clean

test: ## Run all tests, on systems started for them (PYTEST_ARGS="..." for some of them)
	$(in_environment) -m stack test

test-fast: ## Run the tests that need no server, on all cores (PYTEST_ARGS="..." for some of them)
	$(in_environment) -m stack test-fast

test-odoo: ## Run the addons' tests in Odoo (PYTEST_ARGS="..." for some of them)
	$(in_environment) -m stack test-odoo

test-system: ## Run the tests that need servers or the whole system (PYTEST_ARGS="..." for some of them)
	$(in_environment) -m stack test-system

bench: ## Benchmark the cost of telemetry against named baselines (about 90 minutes)
	$(in_environment) -m tests.benchmarks

hooks: ## Install the pre-commit hooks, which check each commit
	$(in_environment) -m pre_commit install

lint: ## Lint code, prose, the glossary, Prometheus rules, and Compose
	$(in_environment) -m stack lint

audit: ## List known vulnerabilities of packages from PyPI and npm (exceptions are in audit.toml; needs both registries)
	$(in_environment) -m stack audit

sbom: ## Write bills of materials of packages from PyPI and npm to sbom/ (CycloneDX)
	$(in_environment) -m stack sbom

wheels: ## Build the addons' wheels for Odoo 18.0 and 19.0 in dist/
	$(in_environment) -m stack wheels

docs: ## Generate docs/metrics.md, n8n_workflows/metrics.sql, and the addons' README.rst
	$(in_environment) -m docs.generator.metrics > docs/metrics.md
	$(in_environment) -m docs.generator.readmes
	$(in_environment) -m n8n_workflows.generator.metrics > n8n_workflows/metrics.sql

new-metric: ## Write a draft of a metric's declaration (NAME=odoo_http_redirects_total KIND=counter)
	$(in_environment) -m docs.generator.new_metric $(NAME) $(KIND)

rules: ## Generate prometheus/rules/ from the catalogue and prometheus/thresholds/
	$(in_environment) -m prometheus.generator

new-alert: ## Write drafts of an alert, its threshold, runbook and test case (NAME=OdooRedirectsHigh SUBJECT=odoo)
	$(in_environment) -m prometheus.generator.new_alert $(NAME) $(SUBJECT)

dashboards: ## Generate the Grafana dashboards from grafana_dashboards/generator/ and prometheus/thresholds/
	$(in_environment) -m grafana_dashboards.generator

preview: ## Render the dashboards from the running system to docs/images/dashboards (PREVIEW_ARGS="..." for some)
	$(in_environment) -m grafana_dashboards.preview $(PREVIEW_ARGS)

mutations: ## Run mutation tests of the alerts' thresholds, comparisons and durations (some minutes; ALERT=<regular expression> for some alerts)
	$(in_environment) -m tests.rules.mutations $(ALERT)

review: ## Report on the running system: alerts that fired or never fired, silences, unused metrics
	$(in_environment) prometheus/review.py --prometheus http://127.0.0.1:$(or $(IG_PROMETHEUS_PORT),9090) \
	  --passwords $(or $(INFLUENCEGEN_STATE),.run)/secrets
