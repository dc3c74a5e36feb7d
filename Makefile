# `make repro` runs the pipeline, `make test` all tests, `make quick` those of seconds, `make lint` style and types,
# `make bench` the benchmarks. Each first makes .venv from the pinned lock files.
PYTHON ?= python3
VENV := .venv
INSTALLED := $(VENV)/.installed
LINTERS := $(VENV)/.linters
# Test processes side by side; each takes up to 1.5 GiB.
WORKERS ?= 2
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)

.PHONY: repro test quick lint graph bench gpu lock clean

repro: $(INSTALLED)
	@python -m stages.shared.parameters
	@python -m tools.repro
	@echo; cat data/summary/summary.md; echo
	@echo "Everything on one page: $(CURDIR)/report/index.html. Tables: data/summary/. Figures: plots/."

test: $(INSTALLED)
	python -m pytest --numprocesses $(WORKERS) --dist loadgroup

quick: $(INSTALLED)
	python -m pytest --numprocesses $(WORKERS) --dist loadgroup -m "not graph and not browser and not official and not cluster and not memory and not slow"

lint: $(LINTERS)
	ruff check
	ruff format --check
	mypy

# Follows the imports and the shared parameters, and says which stages a change makes stale.
graph: $(INSTALLED)
	@dvc repro --quiet fingerprints
	@dvc status

# Half an hour or more on the official data; `python -m benchmarks growth` runs one part of it.
bench: $(INSTALLED)
	python -m benchmarks

# Replaces the CPU build of TensorFlow by the one for NVIDIA GPUs; `make clean` goes back.
gpu: $(INSTALLED)
	python -m pip uninstall --quiet --yes tensorflow-cpu tensorflow
	python -m pip install --quiet --constraint requirements.lock 'tensorflow[and-cuda]'

# Pins every version with its hashes, for every platform and Python that the project supports.
lock: $(INSTALLED)
	python -m pip install --quiet uv
	uv pip compile pyproject.toml --group pipeline --group test --universal --generate-hashes --python-version 3.11 \
	    --upgrade --quiet --custom-compile-command "make lock" --output-file requirements.lock
	uv pip compile --group dev --constraint requirements.lock --universal --generate-hashes --python-version 3.11 \
	    --upgrade --quiet --custom-compile-command "make lock" --output-file requirements-dev.lock

$(INSTALLED): requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(0 if (3, 11) <= sys.version_info < (3, 14) else "error: $(PYTHON) is Python %d.%d, but TensorFlow needs 3.11 to 3.13; run make PYTHON=python3.13." % sys.version_info[:2])'
	$(PYTHON) -m venv --clear $(VENV)
	$(VENV)/bin/python -m pip install --quiet --require-hashes --requirement requirements.lock
	@touch $@

$(LINTERS): $(INSTALLED) requirements-dev.lock
	python -m pip install --quiet --require-hashes --requirement requirements-dev.lock
	@touch $@

clean:
	rm -rf $(VENV) models plots report dvc_plots $(filter-out data/README.md data/downloads,$(wildcard data/*))
