# `make run` starts the gateway, `make test` proves it. Python 3.11+ and make are all they need.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

# What `make` says to people, in the language of the gateway's other words.
SPOKEN := $(if $(filter en,$(LOG_LANGUAGE) $(if $(LOG_LANGUAGE),,$(shell sed -n 's/^LOG_LANGUAGE=\(..\).*/\1/p' .env 2>/dev/null))),en,ru)
INSTALLING.en = Installing what $(1) pins into $(VENV): half a minute, and only once.
INSTALLING.ru = Устанавливаем в $(VENV) то, что перечислено в $(1): полминуты, и только один раз.
UNPACKING.en = unpacking %d packages
UNPACKING.ru = распаковываем пакеты: %d
TOO_OLD.en = Python 3.11 or later is needed. If another one is installed: make run PYTHON=python3.12
TOO_OLD.ru = Нужен Python 3.11 или новее. Если установлен и другой: make run PYTHON=python3.12
NO_VENV.en = $(PYTHON) could not make a virtual environment. On Debian and Ubuntu: apt-get install python3-venv
NO_VENV.ru = $(PYTHON) не смог создать виртуальное окружение. В Debian и Ubuntu: apt-get install python3-venv

# Two workers a core: tests of real parts spend half of their time waiting for these.
WORKERS = $$($(BIN)/python -c 'import os; print(min(2 * os.cpu_count(), 6))')
PYTEST = $(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder

# The tests start hundreds of Pythons: what one has compiled, the next one reads, whatever the machine is set to.
test check: export PYTHONDONTWRITEBYTECODE :=

.PHONY: run emulators setup test check lint chaos hostile defects mutants bench lab pictures

run: $(VENV)/run.stamp
	@exec $(BIN)/python -m gateway serve

emulators: $(VENV)/run.stamp  # the functions on Google's emulators: docs/local-emulators.md
	@exec $(BIN)/python -m gateway.local.emulators

setup: $(VENV)/dev.stamp

test: $(VENV)/dev.stamp  # all tests, with the real parts; what is missing here is skipped
	@exec $(PYTEST) $(PYTEST_ARGS)

check: lint  # what to run while working: linters, types, the unit tests
	@exec $(PYTEST) tests/unit $(PYTEST_ARGS)

chaos: $(VENV)/dev.stamp  # everything breaks at random: make chaos ARGS="--events 20000 --seed 7"
	@exec $(BIN)/python -m chaos $(ARGS)

hostile: $(VENV)/dev.stamp  # attacks by kinds, then a million hostile inputs: make hostile ARGS="--kind slow --kind logs"
	@exec $(BIN)/python -m hostile $(ARGS)

defects: $(VENV)/dev.stamp  # defects put in on purpose, in a copy: each must be caught
	@exec $(BIN)/python -m defects $(ARGS)

pictures: $(VENV)/dev.stamp  # the pictures in the documents, by Chromium from a running gateway
	@exec $(BIN)/python -m pictures

lab: $(VENV)/run.stamp  # real middlemen between Bitrix24 and us: writes docs/middlemen.md; ARGS="express-axios nginx" for some
	@exec $(BIN)/python -m lab $(ARGS)

mutants: $(VENV)/dev.stamp  # of verify.py and the decoder; then: .venv/bin/mutmut results
	$(BIN)/mutmut run --max-children 1

bench: $(VENV)/dev.stamp  # what it costs, beside yardsticks; FIGURES="cold cpu" for some of it: docs/performance.md
	@exec $(BIN)/python -m bench $(FIGURES)

lint: $(VENV)/dev.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/shellcheck --external-sources --check-sourced deploy.sh .ci/run b24

# A venv without pip is what Debian leaves where the package python3-venv is missing: it is made anew.
$(VENV)/bin/pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "$(TOO_OLD.$(SPOKEN))" >&2; exit 1; }
	@rm -rf $(VENV) && $(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
	  echo "$(NO_VENV.$(SPOKEN))" >&2; exit 1; }

$(VENV)/run.stamp: requirements.txt | $(VENV)/bin/pip
	@$(call install,requirements.txt)

$(VENV)/dev.stamp: requirements.txt requirements-dev.txt | $(VENV)/bin/pip
	@$(call install,requirements-dev.txt)
	@touch $(VENV)/run.stamp

# On a terminal one line counts what arrives; anywhere else there is one line in all.
define install
rm -f $@; echo "$(INSTALLING.$(SPOKEN))"; \
if [ -t 1 ]; then \
  { $(BIN)/pip install --disable-pip-version-check --progress-bar off -r $(1) && touch $@; } | awk ' \
    /^Collecting/ { printf "\r\033[K  %d  %s", ++count, $$2; fflush() } \
    /^Installing collected/ { printf "\r\033[K  $(UNPACKING.$(SPOKEN))", NF - 3; fflush() } \
    END { printf "\r\033[K" }'; \
else \
  $(BIN)/pip install --quiet --disable-pip-version-check -r $(1) && touch $@; \
fi; test -e $@
endef
