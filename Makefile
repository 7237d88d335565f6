# make setup, then make report or make test; both run setup by themselves.

PYTHON ?= python3
VENV   := .venv
RUN    := $(VENV)/bin
# torch comes first and alone. Elsewhere than Linux, or for another build, choose another one here.
TORCH  ?= torch==2.13.0
# For a small CPU build from PyTorch's own index: make TORCH_INDEX="--index-url https://download.pytorch.org/whl/cpu"
TORCH_INDEX ?=
DEBIAN := iverilog opensta berkeley-abc qflow-tech-osu018 g++ make perl python3-venv libpython3-dev \
          bochs bochs-term
# pytest-xdist workers; the machine's cores by default.
WORKERS ?= auto
# One thread per worker: two that spin slow each other down many times.
pytest = OMP_NUM_THREADS=1 OMP_WAIT_POLICY=passive $(1)/bin/python -m pytest -n $(WORKERS)

# The lowest end of every dependency's range: the golden model, kernels, networks, the command, some of the hardware.
LOWEST := .venv-lowest
LOWEST_TESTS := tests/test_requirements.py tests/golden tests/axfpm tests/hdl/test_verilog.py tests/hdl/test_circuits.py \
                tests/sim/stimulus tests/sim/test_build.py tests/sim/benches/test_adder.py tests/sim/benches/test_axi.py tests/synth

# The newest torch in the range, wherever it is imported; a CUDA build fills several GiB, the wheels beside it as many.
NEWEST := .venv-newest
NEWEST_TORCH = $(shell sed -n 's/.*"\(torch[<>=][^"]*\)".*/\1/p' pyproject.toml)
NEWEST_TESTS := tests/golden tests/axfpm tests/sim/test_network.py tests/sim/test_lowering.py
NEWEST_GIB := 12
# By another name, so that make -n shows the line and runs nothing.
submake = $(MAKE)

# Kernels for GPUs, without one. CUDA builds of torch hold Triton; elsewhere it comes alone, for these tests only (285 MB).
TRITON := build/triton
TRITON_RANGE = $(shell sed -n 's/.*"\(triton[<>=][^;"]*\).*/\1/p' pyproject.toml)
GPU_TESTS := tests/golden/kernels/cuda

# What AXFPM_CPU narrows the kernels to. The emulated CPU's tests are the same on each.
LEVELS := x86-64-v4 x86-64-v3 x86-64
LEVEL_TESTS = $(filter-out %test_emulated.py,$(wildcard tests/golden/kernels/test_*.py)) tests/golden/pytorch \
              tests/golden/test_sums.py

.PHONY: setup debian browser report test test-long test-gpu test-lowest test-newest newest test-dialects lint package docs bench clean

setup: $(VENV)/.ready

# One dpkg-query decides whether anything is missing; apt-get needs root.
debian:
	@if command -v dpkg-query >/dev/null; then \
	  missing=""; \
	  for package in $(DEBIAN); do \
	    dpkg-query -W -f='$${Status}' $$package 2>/dev/null | grep -q 'ok installed' || missing="$$missing $$package"; \
	  done; \
	  if [ -n "$$missing" ]; then \
	    if [ "$$(id -u)" = 0 ]; then sudo=; elif command -v sudo >/dev/null; then sudo=sudo; \
	    else echo "Run as root, then again: apt-get install$$missing"; exit 2; fi; \
	    $$sudo apt-get update -q && DEBIAN_FRONTEND=noninteractive $$sudo apt-get install -y -q --no-install-recommends $$missing; \
	  fi; \
	else \
	  echo "Not Debian or Ubuntu: install $(DEBIAN) by your own means; axfpm doctor says what is missing."; \
	fi

# For the test of the report's page, which is skipped where there is none. Only Debian's own package is a plain program.
browser:
	@for each in chromium chromium-browser google-chrome; do \
	  if command -v $$each >/dev/null; then exit 0; fi; \
	done; \
	if [ "$$(id -u)" = 0 ]; then sudo=; else sudo=sudo; fi; \
	{ $$sudo apt-get update -q && \
	  DEBIAN_FRONTEND=noninteractive $$sudo apt-get install -y -q --no-install-recommends chromium; } || \
	  echo "SKIPPED: no browser could be installed here."

# An installation that is cut off leaves half a package, which pip takes for a whole one: a mark stays behind, and the
# next call starts afresh. One that fails by itself leaves no mark, and goes on from where it was.
marked = @mkdir -p $(1) && touch $(1)/.at-work; echo "$(2)"; $(2); status=$$?; rm -f $(1)/.at-work; exit $$status

# $(1): the folder; $(2): pip's arguments for torch; $(3): for the rest; $(4): another extra of pyproject.toml.
comma := ,
define environment
	@command -v $(PYTHON) >/dev/null || { echo "There is no $(PYTHON): make PYTHON=... names a Python 3.11 or later."; exit 2; }
	@$(PYTHON) -c 'import sys; sys.version_info < (3, 11) and sys.exit("$(PYTHON) is Python %d.%d, older than 3.11: \
	  make PYTHON=... names another one." % sys.version_info[:2])'
	@if [ -e $(1)/.at-work ]; then echo "$(1) was cut off while it was set up: starting afresh."; rm -rf $(1); fi
	$(call marked,$(1),$(PYTHON) -m venv $(1))
	$(call marked,$(1),$(1)/bin/python -m pip install -q --upgrade pip)
	$(call marked,$(1),$(1)/bin/python -m pip install -q $(TORCH_INDEX) $(2))
	$(call marked,$(1),$(1)/bin/python -m pip install -q $(3) -e '.[$(strip dev$(if $(4),$(comma)$(4)))]')
endef

$(VENV)/.ready: pyproject.toml | debian
	$(call environment,$(VENV),'$(TORCH)',,models)
	$(RUN)/python -m synth.tools
	touch $@

$(LOWEST)/.ready: pyproject.toml $(wildcard constraints/*.txt) | debian
	$(call environment,$(LOWEST),-c constraints/lowest.txt torch,\
	  -c constraints/lowest.txt --build-constraint constraints/lowest-build.txt)
	$(LOWEST)/bin/python -m pip check
	touch $@

newest: debian
	$(call environment,$(NEWEST),--upgrade '$(NEWEST_TORCH)')

report: setup
	$(RUN)/python -m axfpm report -o build/report

test: setup
	$(call pytest,$(VENV)) -m "not long"

test-long: setup
	$(call pytest,$(VENV))
	@$(MAKE) --no-print-directory test-gpu test-newest

test-gpu: setup
	@mkdir -p build; export PYTHONPATH="$(CURDIR)/$(TRITON)$${PYTHONPATH:+:$$PYTHONPATH}"; \
	if ! $(RUN)/python -c 'import triton' 2>/dev/null && \
	   ! $(RUN)/python -m pip install -q --no-deps --upgrade --target $(TRITON) '$(TRITON_RANGE)' >build/triton.log 2>&1; then \
	  echo "SKIPPED: Triton could not be installed here; build/triton.log says why."; \
	else \
	  $(RUN)/python -c 'import triton; print("triton", triton.__version__)' && $(call pytest,$(VENV)) $(GPU_TESTS); \
	fi

test-lowest: $(LOWEST)/.ready
	$(call pytest,$(LOWEST)) -m "not long" $(LOWEST_TESTS)

test-newest:
	@mkdir -p build; gib=$$(df -Pk . | awk 'NR == 2 { print int($$4 / 1048576) }'); \
	if [ "$$gib" -lt $(NEWEST_GIB) ]; then \
	  echo "SKIPPED: the newest torch may need $(NEWEST_GIB) GiB, and $$gib are free here."; \
	elif ! $$(command -v timeout >/dev/null && echo timeout 480) $(submake) newest >build/newest.log 2>&1; then \
	  echo "SKIPPED: the newest torch could not be installed here; build/newest.log says why."; \
	else \
	  $(NEWEST)/bin/python -c 'import torch; print("torch", torch.__version__)' && \
	  $(call pytest,$(NEWEST)) -m "not long" $(NEWEST_TESTS); \
	fi

test-dialects: setup
	@status=0; for level in $(LEVELS); do \
	  if why=$$(AXFPM_CPU=$$level $(RUN)/python -c 'from golden.kernels import jit; jit.cpu_features()' 2>&1); then \
	    echo "AXFPM_CPU=$$level"; \
	    AXFPM_CPU=$$level $(call pytest,$(VENV)) -m "not long" $(LEVEL_TESTS) || status=1; \
	  else case "$$why" in \
	    *InvalidInput:*) echo "SKIPPED: $${why##*InvalidInput: }";; \
	    *) echo "$$why"; exit 1;; \
	  esac; fi; \
	done; exit $$status

lint: setup
	$(RUN)/ruff check .
	$(RUN)/ruff format --check .
	$(RUN)/pyright
	$(RUN)/lint-imports

# As on a stranger's machine: the wheel, made from the source distribution, in an environment of its own, without what
# lies here.
PACKAGE := build/package
package: setup
	rm -rf $(PACKAGE)
	$(RUN)/python -m build --outdir $(PACKAGE) .
	$(RUN)/python -m venv $(PACKAGE)/venv
	$(PACKAGE)/venv/bin/python -m pip install -q $(PACKAGE)/axfpm-*.whl
	cd $(PACKAGE) && PYTHONPATH= venv/bin/python -I $(CURDIR)/tests/installation.py $(CURDIR)/$(PACKAGE)

# Warnings are errors; build/site/index.html.
docs: setup
	$(RUN)/python -m sphinx -W --keep-going -q -d build/doctrees docs build/site

bench: setup
	$(RUN)/python -m axfpm bench

clean:
	rm -rf $(VENV) $(LOWEST) $(NEWEST) build *.egg-info
