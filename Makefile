# Every target sets up what it needs by itself. `make help` lists them.
SHELL := bash
PY := .venv/bin/python
export PYTHONHASHSEED ?= 0

.DEFAULT_GOAL := help
.PHONY: help report test check format lock notebooks lab bench clean

help:  ## this list
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'
