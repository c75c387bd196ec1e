# `make run` and `make test` need Python 3.11 or newer, make, and the package indexes, nothing else. Both share .venv: what
# one has installed the other finds, and a stamp file in it tells each step whether its inputs have changed since.

VENV := .venv
BIN := $(VENV)/bin
DONE := $(VENV)/.done
# PYTHON=/path/to/python chooses the interpreter that .venv is made with.
PYTHONS := $(or $(PYTHON),python3.13 python3.12 python3.11 python3.14 python3 python)
IS_NEW_ENOUGH := import sys; sys.exit(sys.version_info < (3, 11))
PIP_INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check
LOCK := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-header --no-annotate --no-emit-index-url

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help run test lint bench overload graphiql lock clean

help: ## Show this list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/make \1	\2/p' $(MAKEFILE_LIST) | expand -t 16

run: $(DONE)/run $(DONE)/package $(DONE)/graphiql ## Serve on an SQLite file, filled with demo data at the first start
	@$(BIN)/gql-api serve --demo

# Many tests drive real processes within time limits. On a busy machine one may come too late: a test that fails is run
# once more, which the summary counts as "rerun"; one that fails again has failed.
test: lint ## Check and test everything
	$(BIN)/python -m pytest --numprocesses auto --dist worksteal --reruns 1

lint: $(DONE)/dev $(DONE)/package $(DONE)/graphiql ## Check style, format and types
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

bench: $(DONE)/dev $(DONE)/package ## Run the benchmarks
	$(BIN)/python -m benchmarks

overload: $(DONE)/dev $(DONE)/package ## Offer ten times what can be done, and see what becomes of it
	$(BIN)/python -m benchmarks.overload

graphiql: ## Bundle GraphiQL, if that failed before or its recipe has changed
	@rm -f $(DONE)/graphiql
	@$(MAKE) --no-print-directory $(DONE)/graphiql

lock: $(DONE)/venv ## Resolve the dependencies anew, to the newest versions that pyproject.toml allows
	$(PIP_INSTALL) uv
	$(LOCK) --upgrade --group dev pyproject.toml --output-file requirements/dev.txt
	$(LOCK) --upgrade --constraints requirements/dev.txt pyproject.toml --output-file requirements/run.txt
	$(LOCK) --upgrade --constraints requirements/dev.txt --group build --output-file requirements/build.txt
	$(LOCK) --upgrade --group node --output-file requirements/node.txt

clean: ## Remove what was installed, built and cached; databases stay
	rm -rf $(VENV) dist gql_api/http/graphiql_assets .mypy_cache .pytest_cache .ruff_cache .hypothesis

# An environment that is whole is left as it is, whoever made it; half of one, as an interruption leaves it, is made anew.
$(DONE)/venv:
	@if ! $(BIN)/python -m pip --version >/dev/null 2>&1; then \
		found=; \
		for python in $(PYTHONS); do \
			if $$python -c '$(IS_NEW_ENOUGH)' >/dev/null 2>&1; then found=$$python; break; fi; \
		done; \
		if [ -z "$$found" ]; then \
			echo "Python 3.11 or newer is needed; tried: $(PYTHONS). Say where it is: make PYTHON=/path/to/python …" >&2; \
			exit 1; \
		fi; \
		echo "Creating $(VENV) with $$($$found --version) …"; \
		if ! $$found -m venv --clear $(VENV); then \
			echo "$$found cannot make a virtual environment; on Debian and Ubuntu: apt install python3-venv" >&2; \
			rm -rf $(VENV); \
			exit 1; \
		fi; \
	fi
	@mkdir -p $(DONE)
	@touch $@

$(DONE)/run: requirements/run.txt | $(DONE)/venv
	@echo "Installing what the server needs …"
	@$(PIP_INSTALL) --require-hashes -r $<
	@touch $@

# Holds all that requirements/run.txt holds, in the same versions.
$(DONE)/dev: requirements/dev.txt requirements/run.txt | $(DONE)/venv
	@echo "Installing what the tests need …"
	@$(PIP_INSTALL) --require-hashes -r $<
	@touch $(DONE)/run $@

# Editable, by the locked build tools rather than by those of the day.
$(DONE)/package: pyproject.toml requirements/build.txt | $(DONE)/venv
	@$(PIP_INSTALL) --require-hashes -r requirements/build.txt
	@$(PIP_INSTALL) --no-deps --no-build-isolation --editable .
	@touch $@

# The server works without GraphiQL, so a registry out of reach stops nothing, and is not asked again at every start.
$(DONE)/graphiql: $(filter-out %/__pycache__ %/node_modules,$(wildcard graphiql/*)) graphiql/.npmrc | $(DONE)/venv
	@$(BIN)/python graphiql/bundle.py --check || \
		$(PIP_INSTALL) --only-binary :all: --require-hashes -r requirements/node.txt || true
	@$(BIN)/python graphiql/bundle.py || echo "The server starts without it; to try again: make graphiql" >&2
	@touch $@
