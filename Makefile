# What a developer does with durahub. `make` alone lists it.
.DEFAULT_GOAL := help
.PHONY: help run test lint bench clean
SHELL := /bin/bash

help: ## show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## build and start the server on http://127.0.0.1:7071, data in ./durahub.db; ARGS="..." are its flags
	@scripts/ui.sh && source scripts/toolchain.sh rust && exec cargo run --release -- serve $(ARGS)

test: ## run every test: Rust, and the binary with the stock SDKs (installed into .venv, .go)
	@scripts/test.sh

lint: ## check formatting, clippy (warnings are errors) and dependencies
	@scripts/lint.sh

bench: ## measure (a few minutes on a quiet machine); ARGS="..." instead of all of it, see durahub bench --help
	@source scripts/toolchain.sh rust && exec cargo run --release -- bench $(or $(ARGS),all --spawn)

clean: ## remove what was built and installed here; data files stay
	rm -rf target tests/sdk/java/target examples/mixed_team/java/target .venv .go .pytest_cache ui/node_modules tests/ui/node_modules static/assets static/index.html
