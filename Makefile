# make demo   attacks a leaky and a private model, and pushes only the private one (about 2 minutes)
# make demo-references  a model that a loss threshold passes and reference models block (about 5 minutes)
# make defences  what defences cost and are worth, for docs/defences.md (about 10 minutes)
# make test   linters, type checks and tests
# make test-cluster  the same figures from a Flink cluster on this machine (about 12 minutes; needs Java and Maven)
# make test-databases  the demo with its metadata in MariaDB and in PostgreSQL (about 4 minutes; needs both)
# make test-replay  verdicts decided again with the newest numpy, scipy and Python (about 1 minute)
# make test-lowest  tests of arrays and report with the lowest versions that setup.py allows (about 5 minutes)
# make docs   these pages and an API reference as a site in build/docs/site (about 30 seconds)
# make test-tfx121  demo and tests of a fresh clone on Debian 13, with TFX 1.21 (root only; keeps build/tfx121)
# make test-image  builds kubeflow/Dockerfile and runs steps in it (root only; needs Go; keeps build/image)
# make lint   linters and type checks only
# make env    the environment in .venv, which the others make when they need it: of the newest TFX that this machine
#             can run, or of the one that TFX=1.16 or TFX=1.21 names
# make clean  removes what the others wrote, except .venv

# The newest TFX that this machine can run; TFX=1.16 overrides.
CHOICE := $(shell TFX=$(TFX) requirements/find_python.sh)
override TFX := $(firstword $(CHOICE))
PINS := $(wildcard requirements/tfx-$(TFX)-*.txt)
# TensorFlow Privacy, with which tests compare, has releases for the older TFX only.
NO_DEPS := $(if $(filter 1.16,$(TFX)),requirements/no-deps.txt)
DEV_PINS := requirements/dev.txt
DOCS_PINS := requirements/docs.txt

VENV := .venv
BIN := $(VENV)/bin
NEWEST := build/newest
LOWEST := build/lowest
DOCS_ENV := build/docs-env
DEBIAN := build/debian13
# What needs neither TFX nor the test tools beside pytest, of the tests that are not slow.
OF_ARRAYS := tests/evaluation tests/observations tests/attacks/test_contract.py tests/gate/test_verdict.py \
    tests/metrics/counts tests/report/test_html.py
PIP := $(BIN)/python -m pip --disable-pip-version-check
# Nothing is installed whose hash is not in requirements/, from wherever it comes.
PINNED := PIP_FIND_LINKS= $(PIP) install --no-deps --require-hashes
LOG := build/install.log
# A file's tests stay in one process, because they share its pipeline run.
IN_PARALLEL := --numprocesses=2 --dist=loadfile --no-loadscope-reorder

# $(call quietly,what is going on,command): shows the command's output only if it fails.
define quietly
@mkdir -p $(dir $(LOG))
@echo '$(1)'
@{ $(2); } > $(LOG).part 2>&1; status=$$?; cat $(LOG).part >> $(LOG); \
if [ $$status -ne 0 ]; then tail -n 25 $(LOG).part >&2; echo 'That failed; the whole log: $(LOG)' >&2; exit 1; fi; rm $(LOG).part
endef

.DELETE_ON_ERROR:
.NOTPARALLEL:
.PHONY: demo demo-references defences test test-cluster test-databases test-replay test-lowest test-tfx121 test-image docs lint env \
    which-tfx browser install-browser clean

demo: which-tfx $(VENV)/.project
	@$(BIN)/python -m pipelines.taxi.local_runner

demo-references: $(VENV)/.project
	@$(BIN)/python -m pipelines.references.local_runner

defences: $(VENV)/.project
	@$(BIN)/python -m pipelines.defences

test: which-tfx lint browser
	@$(BIN)/python -m pytest --ignore=tests/cluster --ignore=tests/replay --ignore=tests/image --ignore=tests/databases $(IN_PARALLEL)

test-cluster: $(VENV)/.project $(VENV)/.dev
	@$(BIN)/python -m tests.cluster.fetch
	@$(BIN)/python -m pytest tests/cluster --disable-warnings

test-databases: $(VENV)/.project $(VENV)/.dev
	@$(BIN)/python -m pytest tests/databases --disable-warnings

test-replay: $(VENV)/.project $(VENV)/.dev $(NEWEST)/.made
	@NEWEST_PYTHON=$(CURDIR)/$(NEWEST)/bin/python $(BIN)/python -m pytest tests/replay

$(NEWEST)/.made: requirements/find_newest_python.sh
	$(call quietly,Making $(NEWEST) with the newest numpy and scipy (about 30 seconds), \
	    python=$$(requirements/find_newest_python.sh) && "$$python" -m venv $(NEWEST) \
	    && $(NEWEST)/bin/python -m pip --disable-pip-version-check install numpy scipy scikit-learn)
	@touch $@

test-lowest: $(LOWEST)/.made
	@$(LOWEST)/bin/python -m pytest $(OF_ARRAYS)

$(LOWEST)/.made: setup.py requirements/lowest.py $(VENV)/.project $(VENV)/.dev
	$(call quietly,Making $(LOWEST) with the lowest versions that setup.py allows (about 1 minute), \
	    python=$$(requirements/find_python.sh 1.16) && "$$python" -m venv --clear $(LOWEST) \
	    && $(LOWEST)/bin/python -m pip --disable-pip-version-check install \
	    $$($(BIN)/python requirements/lowest.py report) $$(sed -n -E 's/^((pytest|hypothesis)==[^ ]*).*/\1/p' $(DEV_PINS)))
	@touch $@

docs: $(DOCS_ENV)/.made
	@$(DOCS_ENV)/bin/python docs/make_site.py

$(DOCS_ENV)/.made: $(DOCS_PINS)
	$(call quietly,Making $(DOCS_ENV) with what the site needs (once; about 15 seconds), \
	    python=$$(requirements/find_python.sh $(TFX)) && "$$python" -m venv --clear $(DOCS_ENV) \
	    && PIP_FIND_LINKS= $(DOCS_ENV)/bin/python -m pip --disable-pip-version-check install --no-deps \
	    --require-hashes -r $(DOCS_PINS))
	@touch $@

# Targets of the clone; ON_DEBIAN='demo lint' runs others.
ON_DEBIAN := demo test

test-tfx121: $(DEBIAN)/.made
	@tests/debian/newest_tfx.sh build/tfx121 $(DEBIAN)/root $(ON_DEBIAN)

test-image: $(DEBIAN)/.made $(VENV)/.project $(VENV)/.dev
	$(call quietly,Building kubeflow/Dockerfile in build/image (about 6 minutes), tests/image/build.sh build/image $(DEBIAN)/root)
	@IMAGE_FOLDER=$(CURDIR)/build/image $(BIN)/python -m pytest tests/image

$(DEBIAN)/.made: tests/debian/root.sh
	$(call quietly,Making a Debian 13 in $(DEBIAN) (about 1 minute), tests/debian/root.sh $(DEBIAN)/root)
	@touch $@

lint: $(VENV)/.project $(VENV)/.dev
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

env: which-tfx $(VENV)/.project $(VENV)/.dev

which-tfx:
	@[ -n '$(TFX)' ]
	@echo 'TFX $(CHOICE).'

# An environment of another release is made anew.
ifneq ($(wildcard $(VENV)/.pins),)
ifneq ($(or $(shell cat $(VENV)/.pins),1.16),$(TFX))
$(VENV)/.pins: another-release
ANEW := --clear
endif
endif
.PHONY: another-release

$(VENV)/.pins: $(PINS) $(NO_DEPS)
	$(call quietly,Making $(VENV) (about 5 seconds), \
	    python=$$(requirements/find_python.sh $(TFX)) && "$$python" -m venv $(ANEW) $(VENV))
	$(call quietly,Installing TFX $(TFX) and what it needs into $(VENV) (once; about 1.5 minutes), \
	    $(PIP) install --no-compile "$$(sed -n 's/^\(pip==[^ ]*\).*/\1/p' $(PINS))" \
	    && $(PINNED) --no-compile $(addprefix -r ,$(PINS) $(NO_DEPS)))
	$(call quietly,Compiling its bytecode so that imports are fast (once; about 1 minute), \
	    $(BIN)/python -m compileall -q -j 2 $(VENV)/lib/python3.*/site-packages || true)
	@echo $(TFX) > $@

$(VENV)/.project: setup.py $(VENV)/.pins
	$(call quietly,Installing the project into $(VENV) (about 5 seconds), \
	    $(PIP) install --no-deps --no-build-isolation --editable .)
	@touch $@

$(VENV)/.dev: $(DEV_PINS) $(VENV)/.pins
	$(call quietly,Installing test tools into $(VENV) (about 20 seconds), $(PINNED) -r $(DEV_PINS))
	@touch $@

# Tests take screenshots of the HTML report.
browser:
	@command -v chromium >/dev/null || command -v google-chrome >/dev/null || $(MAKE) --no-print-directory install-browser

install-browser:
	@[ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null || \
	{ echo 'The tests need a Chromium browser: install chromium or google-chrome.' >&2; exit 1; }
	$(call quietly,Installing Chromium and pdftotext for the tests of the report (about 1 minute), \
	    apt-get update && apt-get install -y --no-install-recommends chromium poppler-utils)

clean:
	rm -rf build *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
