# Every target sets up what it needs by itself; `make help` lists them.
SHELL := bash
PY := .venv/bin/python
.DEFAULT_GOAL := help
.PHONY: help report test check format notebooks sample site verify release lowest lock lab bench fuzz sbom clean

help:  ## this list
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

# ---- set-up: a stamp per set of packages, renewed when the pins change ------------------------------------------

.venv/run.stamp: requirements/run.txt pyproject.toml tools/setup.sh
	@bash tools/setup.sh run

.venv/dev.stamp: requirements/dev.txt .venv/run.stamp
	@bash tools/setup.sh dev

.venv-lowest/lowest.stamp: requirements/lowest.txt tools/setup.sh
	@bash tools/setup.sh lowest

# ---- what you do with it ----------------------------------------------------------------------------------------

report: .venv/run.stamp  ## offline HTML reports per region from the sample data, into reports/
	@$(PY) -m funnelnb report data/sample --by region --notebook 01 02 03 04 --out reports

lab: .venv/run.stamp  ## the notebooks in JupyterLab
	@$(PY) -m funnelnb lab

test: .venv/dev.stamp .venv-lowest/lowest.stamp  ## everything that must hold: derived files, style, types, tests, notebooks
	@bash tools/test.sh

# ---- for those who change it ------------------------------------------------------------------------------------

format: .venv/dev.stamp  ## put the code in the house style
	@$(PY) -m ruff check --fix -q . ; $(PY) -m ruff format -q .

check: .venv/dev.stamp  ## the quick part of `make test`: style, types, derived files
	@bash tools/test.sh quick

notebooks: .venv/dev.stamp  ## rebuild notebooks/en and notebooks/zh from notebooks/src, executed
	@$(PY) tools/notebooks.py write

sample: .venv/dev.stamp  ## regenerate data/sample
	@$(PY) tools/sample.py write

site: .venv/dev.stamp  ## the documentation site, built and checked offline, into build/site/
	@$(PY) -m tools.website

fuzz: .venv/dev.stamp  ## spoilt inputs by the thousand: FUZZ="number seed"; a fault ends with 1
	@$(PY) -m tests.fuzz.run $(FUZZ)

sbom: .venv/dev.stamp  ## licences and versions of everything that is installed, into build/sbom.json
	@$(PY) tools/sbom.py build/sbom.json

bench: .venv/dev.stamp  ## run the benchmarks; ratios, side by side
	@for file in benchmarks/bench_*.py; do echo "== $$file"; $(PY) $$file || exit 1; done

verify: .venv/dev.stamp  ## the long checks: coverage, fuzz, kills, simulations, mutation, soak; tools/verify.sh lists the parts
	@bash tools/verify.sh

release: .venv/dev.stamp  ## build dist/, install the wheel in a clean environment, try it; the changelog must have the version
	@bash tools/release.sh

lowest: .venv-lowest/lowest.stamp  ## the suite on the lowest versions that pyproject.toml allows
	@bash tools/test.sh lowest

lock: .venv/dev.stamp  ## renew the pinned, hashed requirements and environment.yml
	@bash tools/lock.sh

clean:  ## remove what the targets made
	rm -rf .venv .venv-lowest reports .pytest_cache .mypy_cache .ruff_cache .hypothesis
