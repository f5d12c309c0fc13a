# Everything a fresh machine needs is made here: Python 3.11, pip, git and make are enough.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
ORACLES := .venv-oracles
WYCHEPROOF := https://github.com/C2SP/wycheproof
SUITES := .venv-oracles/suites

.PHONY: serve test check lint types unit format clean lock test-oracles test-suites audit

serve: $(VENV)/.installed  ## start the repository's own two agents
	$(BIN)/hookagent serve

test: check unit  ## every check: ruff, mypy, import contracts, pytest with coverage

check: $(VENV)/.dev lint types

lint: $(VENV)/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(VENV)/.dev
	$(BIN)/mypy

unit: $(VENV)/.dev
	rm -f .coverage .coverage.*
	$(BIN)/python -m pytest -m alone -q
	$(BIN)/python -m pytest -m "not alone" -n auto --cov --cov-report=

test-oracles: $(ORACLES)/.installed  ## the providers' own SDKs and Wycheproof's vectors, where they can be had
	HOOKAGENT_WYCHEPROOF="$${HOOKAGENT_WYCHEPROOF:-$$(ls -d $(ORACLES)/wycheproof 2>/dev/null)}" \
	$(ORACLES)/bin/python -m pytest -p no:cacheprovider -W default tests/oracles tests/providers/test_wycheproof.py

test-suites: $(VENV)/.dev $(SUITES)/.fetched  ## JSONTestSuite, the Big List of Naughty Strings, llhttp's and Wycheproof's cases
	HOOKAGENT_JSONTESTSUITE="$${HOOKAGENT_JSONTESTSUITE:-$(CURDIR)/$(SUITES)/JSONTestSuite/test_parsing}" \
	HOOKAGENT_BLNS="$${HOOKAGENT_BLNS:-$(CURDIR)/$(SUITES)/big-list-of-naughty-strings/blns.json}" \
	HOOKAGENT_LLHTTP="$${HOOKAGENT_LLHTTP:-$(CURDIR)/$(SUITES)/llhttp/test/request}" \
	HOOKAGENT_WYCHEPROOF="$${HOOKAGENT_WYCHEPROOF:-$(CURDIR)/$(SUITES)/wycheproof}" \
	$(BIN)/python -m pytest -q tests/security/test_t03_llhttp.py tests/security/test_t07_json.py tests/cli/test_terminal.py tests/providers/test_wycheproof.py

audit:  ## known vulnerabilities in what is locked; asks PyPI, so it needs the internet
	test -x $(ORACLES)/audit/bin/pip-audit || { $(PYTHON) -m venv $(ORACLES)/audit && $(ORACLES)/audit/bin/python -m pip install --quiet --disable-pip-version-check pip-audit; }
	$(ORACLES)/audit/bin/pip-audit --strict --disable-pip --require-hashes --requirement tests/requirements.lock

$(SUITES)/.fetched:
	mkdir -p $(SUITES)
	for suite in nst/JSONTestSuite minimaxir/big-list-of-naughty-strings nodejs/llhttp C2SP/wycheproof; do \
	  test -d $(SUITES)/$${suite#*/} || git clone --quiet --depth 1 https://github.com/$$suite $(SUITES)/$${suite#*/} || echo "without $$suite: its tests are skipped"; \
	done
	touch $@

format: $(VENV)/.dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	touch $@

$(VENV)/.dev: pyproject.toml tests/requirements.lock | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement tests/requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	touch $(VENV)/.installed $@

$(ORACLES)/.installed: tests/oracles/requirements.txt tests/oracles/package.json pyproject.toml
	$(PYTHON) -m venv $(ORACLES)
	$(ORACLES)/bin/python -m pip install --quiet --disable-pip-version-check --requirement tests/oracles/requirements.txt --editable .
	command -v npm >/dev/null && npm install --prefix tests/oracles --no-package-lock --no-audit --no-fund --ignore-scripts || echo "without npm: those oracles are skipped"
	test -d $(ORACLES)/wycheproof || git clone --quiet --depth 1 $(WYCHEPROOF) $(ORACLES)/wycheproof || echo "without Wycheproof: set HOOKAGENT_WYCHEPROOF"
	touch $@

lock:  ## pin what was tested: names, versions and hashes, no URLs
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --extra dev pyproject.toml -o tests/requirements.lock

clean:
	rm -rf $(VENV) $(ORACLES) tests/oracles/node_modules build dist *.egg-info
