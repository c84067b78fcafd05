# Everything a fresh machine needs is brought in below, inside this folder: uv in .tools, the project in .venv.
PYTHON ?= python3
UV := .tools/uv/bin/uv
export UV_CACHE_DIR := $(CURDIR)/.tools/cache
export UV_PYTHON_DOWNLOADS := never
export UV_LINK_MODE := copy
# Otherwise whoever starts Rollcall first, or may not write here, compiles some thousand modules before anything happens.
export UV_COMPILE_BYTECODE := 1

.PHONY: help rehearse story test check format bench conformance schemas screenshots clean

help: ## say what can be made
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

$(UV):
	$(PYTHON) -m pip install --quiet --disable-pip-version-check --no-warn-script-location --target .tools/uv "uv>=0.9,<1"

.venv/.ready: $(UV) pyproject.toml uv.lock
	$(UV) sync --frozen --quiet --all-extras --python $(PYTHON)
	@touch $@

rehearse: .venv/.ready ## start the rehearsal: a chat workspace, two orgs and the bot, on this machine only
	.venv/bin/rollcall rehearse

story: .venv/.ready ## play the whole release story and print it
	.venv/bin/rollcall rehearse --story

# Tests often wait for clocks, sockets, a browser: three processes keep two cores busy.
PROCESSES := $(shell echo $$(( ($$(getconf _NPROCESSORS_ONLN) * 3 + 1) / 2 )))

test: .venv/.ready ## run the tests, three processes for every two cores
	.venv/bin/pytest --numprocesses $(PROCESSES) --dist worksteal

check: .venv/.ready ## format, lint, types, import contract, docs links
	.venv/bin/ruff format --check .
	.venv/bin/ruff check .
	.venv/bin/mypy
	.venv/bin/lint-imports
	.venv/bin/python -m tests.docs_links

format: .venv/.ready ## format the code
	.venv/bin/ruff format .
	.venv/bin/ruff check --fix --quiet . || true

bench: .venv/.ready ## measure, in ratios of one run
	.venv/bin/python -m tests.bench

conformance: .venv/.ready ## run Salesforce's own CLI, jsforce, CumulusCI, zeep against the local orgs, Slack's Bolt for JavaScript against the workspace (brings in about 900 MB)
	.venv/bin/python -m tests.conformance

schemas: .venv/.ready ## make the schemas of what Slack takes and sends anew, from npm's types (needs Node)
	.venv/bin/python -m tests.slack_schemas

screenshots: .venv/.ready ## take the documents' pictures anew from a rehearsal (needs Chromium)
	.venv/bin/python docs/screenshots/take.py

clean: ## remove what make brought in
	rm -rf .tools .venv
