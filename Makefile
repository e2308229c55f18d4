# Two commands for everybody: `make demo` and `make test`. Each makes the virtual environment when there is none.
PY ?= python3
V := .venv
BIN := $(V)/bin

OUT ?= runs/gpu

SECONDS_EACH ?= 600

.PHONY: demo test test-slow attack check bench gpu figures notebooks docs linkcheck clean

demo: $(V)/.stamp
	$(BIN)/slth demo --out slth-demo

test: $(V)/.stamp
	$(BIN)/python -m pytest -n 2 --dist loadfile --max-worker-restart 0

test-slow: $(V)/.stamp
	$(BIN)/python -m pytest -m slow -n 2 --dist loadfile --max-worker-restart 0

# Random and aimed attacks on certificates, solvers, tickets, stores and signals; SECONDS_EACH=60 for a short night.
attack: $(V)/.stamp
	$(BIN)/python -m tests.attacks --seconds $(SECONDS_EACH)

check: $(V)/.stamp-dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python tests/tools/module_sizes.py slth

bench: $(V)/.stamp-baselines
	$(BIN)/slth bench --out runs/bench

# On a machine with a CUDA build of torch, numpy, scipy and safetensors: nothing is installed, nothing is fetched.
gpu:
	$(PY) -m tests.gpu.run --out "$(OUT)"

figures: $(V)/.stamp
	$(BIN)/slth figure --all

notebooks: $(V)/.stamp-notebooks
	$(BIN)/jupytext --quiet --update --to ipynb notebooks/*.py
	$(BIN)/python tests/tools/run_notebooks.py notebooks/*.ipynb

# The site, into build/docs/index.html: every warning is an error, nothing is fetched, no notebook is run.
docs: $(V)/.stamp-docs
	$(BIN)/sphinx-build -n -W --keep-going -q -b html docs build/docs

# Links to other sites are asked, which takes a network; those within the site are checked by `make docs`.
linkcheck: $(V)/.stamp-docs
	$(BIN)/sphinx-build -q -b linkcheck docs build/linkcheck

$(V)/.stamp: pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PY) -m venv $(V)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[test]'
	@touch $@

$(V)/.stamp-dev: $(V)/.stamp
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@

$(V)/.stamp-baselines: $(V)/.stamp
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[test,baselines]'
	@touch $@

$(V)/.stamp-notebooks: $(V)/.stamp
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[notebooks]'
	@touch $@

$(V)/.stamp-docs: $(V)/.stamp
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[docs]'
	@touch $@

clean:
	rm -rf build dist slth-demo runs .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
