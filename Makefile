# `make help` lists the targets.
VENV := .venv
PY := $(VENV)/bin/python
RUN := $(VENV)/bin/imitbench
SUITE ?= quickstart
PROFILE ?= cpu
VIDEOS ?= 0

.PHONY: help bench-all setup quickstart test test-all test-reference check lint types docs docs-tables demos experts tables figures verify report pictures-vins compounding ship parity peers peer-rows perf perf-engines perf-accelerator perf-wrap perf-learners perf-vins perf-heads perf-offline perf-adversarial perf-gymnasium perf-streaming perf-rendering golden clean

help:  ## list the targets
	@grep -E '^[a-z%-]+:.*##' $(MAKEFILE_LIST) | sed 's/bench-%/bench-SUITE/; s/:.*## /\t/' | expand -t 16

setup: $(VENV)/.ready  ## create .venv with the tested versions (uv if it is there, else pip)

$(VENV)/.ready: pyproject.toml constraints.txt
	@if command -v uv >/dev/null 2>&1; then \
	  uv venv --allow-existing --python '>=3.11' $(VENV) && \
	  uv pip install --python $(PY) -c constraints.txt -e '.[dev]'; \
	else \
	  python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	    { echo 'imitbench needs Python 3.11 or newer as python3'; exit 1; }; \
	  python3 -m venv $(VENV) && \
	  $(PY) -m pip install --quiet -c constraints.txt -e '.[dev]'; \
	fi
	@touch $@

quickstart: setup  ## the main job: BC, GCBC, DAgger, DART and VINS on two Fetch tasks, in minutes
	$(RUN) run quickstart

# Tests of one file share compiled programs, so they run in one process.
test: check  ## lint, types, imports and the fast tests
	$(PY) -m pytest -n 2 --dist loadfile -m 'not slow'

test-all: check  ## everything, the slow tests too
	$(PY) -m pytest -n 2 --dist loadfile

test-reference: $(VENV)/.reference $(VENV)/d3rlpy/.ready $(VENV)/imitation/.ready $(VENV)/lerobot/.ready  ## updates against Stable-Baselines3, d3rlpy and imitation, data sets against lerobot (installs them and torch)
	$(PY) -m pytest tests/algos/reference tests/data/reference

$(VENV)/.reference: $(VENV)/.ready
	@if command -v uv >/dev/null 2>&1; then \
	  uv pip install --python $(PY) -c constraints.txt -e '.[reference]'; \
	else \
	  $(PY) -m pip install --quiet -c constraints.txt -e '.[reference]'; \
	fi
	@touch $@

check: setup  ## lint, types and the documentation, side by side
	@$(MAKE) --no-print-directory -j 2 lint types docs

lint: setup  ## ruff and the import contract
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/lint-imports

types: setup  ## basedpyright
	$(VENV)/bin/basedpyright

docs: setup  ## build the documentation into build/docs; a wrong link fails
	NO_MKDOCS_2_WARNING=1 $(VENV)/bin/mkdocs build --strict

docs-tables: setup  ## draw the figures of the README, list all verdicts and write the book again
	$(PY) -m docs._generate.readme

golden: setup  ## write the golden file of every method anew; refused where numbers changed and versions did not
	XLA_FLAGS=--xla_cpu_use_fusion_emitters=false JAX_DISABLE_MOST_OPTIMIZATIONS=1 PYTHONPATH=tests $(PY) -m helpers.golden

bench-all: setup  ## run all suites, resumable, after an estimate of the time (PROFILE=smoke: minutes)
	$(PY) -m benchmarks.run_all --profile $(PROFILE)

bench-%: setup  ## run a suite, as in `make bench-quickstart PROFILE=full`
	$(RUN) run $* --profile $(PROFILE)

demos: setup  ## collect 100 demonstrations of each Fetch task into demos/
	@mkdir -p demos
	@for t in FetchReach FetchPush FetchPickAndPlace; do $(RUN) demos $$t --out demos/$$t.npz; done

experts: setup  ## train the learned experts by their recipes, into the package (hours on a CPU)
	$(RUN) experts train --ship
	$(RUN) experts score

tables: setup  ## write the table of SUITE again from its cells
	$(RUN) table $(SUITE) --profile $(PROFILE)

figures: setup  ## draw the curves of SUITE again from its cells
	$(RUN) plot $(SUITE) --profile $(PROFILE)

verify: setup  ## judge the claims of the literature on the results of every suite that has some
	$(RUN) verify

report: setup  ## write report.html out of all results; with videos as in `make report VIDEOS=5` (minutes)
	$(RUN) report --profile $(PROFILE) --videos $(VIDEOS)

pictures-vins: setup  ## draw what VINS learns: value, self-correction, model error (a minute)
	$(PY) -m benchmarks.studies.vins_diagnostics

compounding: setup  ## fit how regret grows with the length of an episode, from the cells of the suite dagger
	$(PY) -m benchmarks.studies.compounding_error

ship: setup  ## check a finished run of SUITE and copy it into results/shipped/
	$(RUN) ship $(SUITE) --profile $(PROFILE)

parity: setup  ## measure the engines and the experts against each other (hours on a CPU)
	$(PY) -m benchmarks.perf.parity

peers: setup  ## install what we are compared with, each in an environment of its own (gigabytes)
	@failed=; for p in .reference d3rlpy/.ready imitation/.ready lerobot/.ready robomimic/.ready; do \
	  $(MAKE) --no-print-directory $(VENV)/$$p || failed="$$failed $$p"; \
	done; \
	if [ -n "$$failed" ]; then echo "peers that did not install:$$failed"; exit 1; fi

peer-rows: setup  ## train other packages beside the cells of SUITE (after `make peers`), as rows of its table
	$(PY) -m benchmarks.peers.run $(SUITE) --profile $(PROFILE)

perf: perf-engines perf-wrap perf-gymnasium perf-learners perf-vins perf-heads perf-offline perf-adversarial perf-streaming perf-rendering  ## all speed measurements but perf-accelerator, on an idle machine

perf-engines: setup  ## engines and training core, as ratios to the limits of the machine; memory
	$(PY) -m benchmarks.perf.engines

perf-accelerator: setup  ## MJX by batch size beside the native engine, and 1 to 1,000 seeds, on a GPU or a TPU
	$(PY) -m benchmarks.perf.accelerator

perf-wrap: setup  ## vector environments of imitbench.wrap beside those of gymnasium.vector
	$(PY) -m benchmarks.perf.wrap --out results/perf/wrap.md

perf-learners: $(VENV)/.reference  ## training speed beside the engine and Stable-Baselines3
	$(PY) -m benchmarks.perf.learners

perf-vins: setup  ## training and acting of VINS against the matrix-product peak
	$(PY) -m benchmarks.perf.vins

perf-heads: $(VENV)/robomimic/.ready  ## training and acting of BC with every head and memory beside robomimic and the matrix-product peak
	$(PY) -m benchmarks.perf.heads

perf-offline: $(VENV)/d3rlpy/.ready  ## offline learners beside d3rlpy (in an environment of its own) and the peak
	$(PY) -m benchmarks.perf.offline

perf-streaming: setup  ## gradient steps on data in files beside data in memory
	$(PY) -m benchmarks.perf.streaming

perf-rendering: setup  ## images a second of each mode of observation beside the engine
	$(PY) -m benchmarks.perf.rendering

perf-adversarial: $(VENV)/imitation/.ready  ## GAIL beside imitation (in an environment of its own) and the engine
	$(PY) -m benchmarks.perf.adversarial

perf-gymnasium: setup  ## tasks of Gymnasium in compiled rollouts beside Gymnasium's vector environments
	$(PY) -m benchmarks.perf.gymnasium_tasks --out results/perf/gymnasium.md

# Peers whose requirements exclude ours.
d3rlpy := d3rlpy==2.8.1 torch==2.13.0
imitation := imitation==1.0.1 ImageIO==2.38.1 stable-baselines3==2.2.1 gymnasium==0.29.1 mujoco==3.11.0 torch==2.13.0
lerobot := lerobot==0.4.4 torch==2.10.0
robomimic := robomimic==0.3.0 six==1.17.0 torch==2.14.1 torchvision==0.29.1

$(VENV)/%/.ready: $(VENV)/.ready
	@if command -v uv >/dev/null 2>&1; then \
	  uv venv --allow-existing --python '>=3.11' $(VENV)/$* && \
	  uv pip install --python $(VENV)/$*/bin/python $($*); \
	else \
	  python3 -m venv $(VENV)/$* && \
	  $(VENV)/$*/bin/python -m pip install --quiet $($*); \
	fi
	@touch $@

clean:  ## remove what the tools leave behind (not .venv, not results)
	rm -rf .pytest_cache .ruff_cache .hypothesis .import_linter_cache build dist demos
	find . -name __pycache__ -not -path './$(VENV)/*' -prune -exec rm -rf {} +
