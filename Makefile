# Two commands matter: `make demo` and `make test`. Both do the set-up that they need.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
# The steps share one build directory and stop at the first failure.
.NOTPARALLEL:

DEMO_DATA ?= demo-data
DEMO_LISTEN ?= 127.0.0.1:8080
CARGO ?= cargo

NPM := $(shell command -v npm)
# What the pages are made of: when any of it is newer than the built pages, they are built again.
WEB_SOURCES := $(wildcard schema.graphql) $(shell test -d web && find web -type f \
	-not -path '*/node_modules/*' -not -path 'web/dist/*' -not -path 'web/src/gql/*' -not -path 'web/e2e/*')

.PHONY: help demo test rust-tools fmt-check clippy rust-test services-test attack-test fuzz deploy-check doc advisories pages pages-test pages-e2e chromium

help: ## Show this list.
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 24

demo: pages ## Run the server with a demo concert on http://127.0.0.1:8080.
	$(CARGO) run --locked -- --demo --data $(DEMO_DATA) --listen $(DEMO_LISTEN)

test: rust-tools fmt-check pages-test clippy rust-test attack-test deploy-check doc pages-e2e ## Check everything that CI checks.
	@echo "make test: everything passed"

fmt-check: rust-tools ## Check the formatting.
	$(CARGO) fmt --all --check

clippy: rust-tools ## Check with clippy; a warning is a failure.
	$(CARGO) clippy --locked --workspace --all-targets -- -D warnings

# The tests of clients run public JavaScript suites and clients, and need Node.
ifeq ($(NPM),)
SKIP := -- --skip clients::
endif

# Everything with a private PostgreSQL and a private Redis, and what the server does once more on SQLite.
rust-test: ## Run the tests of the server, on every database.
ifeq ($(NPM),)
	@echo "npm is missing: the tests that run JavaScript clients are left out (Node.js 20 or later has it)"
endif
	scripts/with-services scripts/run-tests --embedded api --embedded large_date --locked --workspace $(SKIP)
	$(CARGO) test --locked --workspace --doc

services-test: ## Run only the tests that need PostgreSQL and Redis.
	scripts/with-services scripts/run-tests --locked --test api --test cluster --test redis

# Optimised, because it measures; everything is built a second time for it. With less (opt-level 1) the server takes so long
# for its snapshots that some attackers are not given up within their time.
attack-test: ## Try to hurt a sale by asking, with all that we could think of at once.
	$(CARGO) test --locked --profile measured --test attack

# Not part of `test`: it installs a tool in Python from the internet.
fuzz: ## Send a demo server whatever its schema allows and forbids, with Schemathesis; needs Python and the internet.
	scripts/fuzz

deploy-check: ## Run what compose.yaml runs, without containers, while some of it breaks.
	scripts/deploy-check

doc: ## Build the documentation; a warning is a failure.
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --locked --no-deps --workspace

# Not part of `test`: it asks the internet, and what it answers changes without a change here.
advisories: ## Ask for known faults of the dependencies; needs the internet and cargo-deny or cargo-audit.
	scripts/advisories

# A minimal toolchain comes without these two.
rust-tools:
	@$(CARGO) fmt --version >/dev/null 2>&1 && $(CARGO) clippy --version >/dev/null 2>&1 \
		|| rustup component add rustfmt clippy

ifeq ($(wildcard web/package.json),)
pages pages-test pages-e2e:
	@:
else ifeq ($(NPM),)
pages pages-test pages-e2e: ## Build the pages, or check them, if npm is there.
	@echo "npm is missing: the pages are not built; the API works without them (Node.js 20 or later has it)"
else
pages: web/dist/index.html ## Build the pages if they are older than their sources.

pages-test: pages ## Build the pages and run their tests.
	cd web && npm run --if-present test

# The journeys in a browser, against the server that the other tests have built: with the features of the whole workspace,
# or half of it would be built once more.
pages-e2e: pages chromium ## Run the pages in Chromium against a real server.
	$(CARGO) build --locked --workspace --bin frontrow
	cd web && npm run e2e

chromium:
	@command -v chromium >/dev/null || { \
		echo "chromium is missing: installing Debian's"; \
		apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium; } \
		|| { echo "the tests of the pages need Debian's chromium: apt-get install chromium"; exit 1; }

web/node_modules/.package-lock.json: web/package.json web/package-lock.json
	cd web && npm ci --no-audit --no-fund
	@touch $@

web/dist/index.html: $(WEB_SOURCES) | web/node_modules/.package-lock.json
	cd web && npm run build
	@touch $@
endif
