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
PYTEST = OMP_NUM_THREADS=1 OMP_WAIT_POLICY=passive $(RUN)/python -m pytest -n $(WORKERS)

.PHONY: setup debian report test test-long lint bench clean

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

$(VENV)/.ready: pyproject.toml | debian
	$(PYTHON) -m venv $(VENV)
	$(RUN)/pip install -q --upgrade pip
	$(RUN)/pip install -q $(TORCH_INDEX) "$(TORCH)"
	$(RUN)/pip install -q -e ".[dev]"
	$(RUN)/python -m synth.tools
	touch $@

report: setup
	$(RUN)/axfpm report -o build/report

test: setup
	$(PYTEST) -m "not long"

test-long: setup
	$(PYTEST)

lint: setup
	$(RUN)/ruff check .
	$(RUN)/ruff format --check .
	$(RUN)/pyright

bench: setup
	$(RUN)/axfpm bench

clean:
	rm -rf $(VENV) build *.egg-info
