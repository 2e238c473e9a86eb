# The verbs of the project. `make` alone lists them.
.DEFAULT_GOAL := help
.PHONY: help demo drill up stop clean test test-fast test-odoo test-system bench hooks lint audit sbom wheels docs new-metric rules new-alert dashboards preview mutations review

# The Python that the project's own environment is made with.
PYTHON ?= $(shell for python in python3 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)

# Runs a command in that environment, which is made when it is first needed.
in_environment = @test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed: install it, or name it with PYTHON=" >&2; exit 1; }; \
	python=$$($(PYTHON) -m stack.provide.environment) && exec $$python

help: ## List the verbs
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: ## Bring the whole system up, drive business through it, and compare the figures (DEMO_SECONDS, default 90)
	$(in_environment) -m stack demo

drill: ## Bring the whole system up, cause real faults, and see what on-call is told of them (about 15 minutes)
	$(in_environment) -m stack drill

up: ## Bring the whole system up and leave it running
	$(in_environment) -m stack up

stop: ## Stop the whole system; its data stay
	$(in_environment) -m stack stop

clean: ## Stop the whole system and delete its data; downloads stay in the cache
	$(in_environment) -m stack clean

test: ## Run all tests, on a system of their own (PYTEST_ARGS="..." for some of them)
	$(in_environment) -m stack test

test-fast: ## Run the tests that need no server, on all cores (PYTEST_ARGS="..." for some of them)
	$(in_environment) -m stack test-fast

test-odoo: ## Run the tests of the addons, in Odoo (PYTEST_ARGS="..." for some of them)
	$(in_environment) -m stack test-odoo

test-system: ## Run the tests that run servers or the whole system (PYTEST_ARGS="..." for some of them)
	$(in_environment) -m stack test-system

bench: ## Measure what telemetry costs, beside named baselines (about an hour and a half)
	$(in_environment) -m tests.benchmarks

hooks: ## Check what is about to be committed, at each commit (pre-commit)
	$(in_environment) -m pre_commit install

lint: ## Check the style of the code and the rules of Prometheus
	$(in_environment) -m stack lint

audit: ## List known vulnerabilities of what comes from PyPI and npm; audit.toml excuses some (needs both registries)
	$(in_environment) -m stack audit

sbom: ## Write the bills of materials of what comes from PyPI and npm to sbom/ (CycloneDX)
	$(in_environment) -m stack sbom

wheels: ## Build the addons' wheels in dist/, for each supported Odoo
	$(in_environment) -m stack wheels

docs: ## Write what is generated: docs/metrics.md, n8n_workflows/metrics.sql, and README.rst of the addons
	$(in_environment) -m docs.generator.metrics > docs/metrics.md
	$(in_environment) -m docs.generator.readmes
	$(in_environment) -m n8n_workflows.generator.metrics > n8n_workflows/metrics.sql

new-metric: ## Write the draft of a metric's declaration (NAME=odoo_http_redirects_total KIND=counter)
	$(in_environment) -m docs.generator.new_metric $(NAME) $(KIND)

rules: ## Write prometheus/rules/ from the catalogue and prometheus/thresholds/
	$(in_environment) -m prometheus.generator

new-alert: ## Write the draft of an alert and of what belongs to it (NAME=OdooRedirectsHigh SUBJECT=odoo)
	$(in_environment) -m prometheus.generator.new_alert $(NAME) $(SUBJECT)

dashboards: ## Write the dashboards of Grafana from grafana_dashboards/generator/ and prometheus/thresholds/
	$(in_environment) -m grafana_dashboards.generator

preview: ## Draw the dashboards from the running system into docs/images/dashboards (PREVIEW_ARGS="..." for some)
	$(in_environment) -m grafana_dashboards.preview $(PREVIEW_ARGS)

mutations: ## Change each threshold of each alert a little, and see that a test notices (some minutes; ALERT=... for some)
	$(in_environment) -m tests.rules.mutations $(ALERT)

review: ## List which alerts fired and never fired, silences, and metrics that nobody uses, of the running system
	$(in_environment) prometheus/review.py --prometheus http://127.0.0.1:$(or $(IG_PROMETHEUS_PORT),9090) \
	  --passwords $(or $(INFLUENCEGEN_STATE),.run)/secrets
