# `make run` starts the gateway, `make test` proves it. Python 3.11+ and make are all they need.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

# What `make` says to people, in the language of the gateway's other words.
SPOKEN := $(if $(filter en,$(LOG_LANGUAGE) $(if $(LOG_LANGUAGE),,$(shell sed -n 's/^LOG_LANGUAGE=\(..\).*/\1/p' .env 2>/dev/null))),en,ru)
INSTALLING.en = Installing what $(1) pins into $(VENV): half a minute, and only once.
INSTALLING.ru = Устанавливаем в $(VENV) то, что перечислено в $(1): полминуты, и только один раз.
MAKING.en = Making the virtual environment $(VENV).
MAKING.ru = Создаём виртуальное окружение $(VENV).
NOT_INSTALLED.en = The packages were not installed: pip says above why. Check that this machine reaches pypi.org (behind a proxy, set HTTPS_PROXY), then run make again.
NOT_INSTALLED.ru = Пакеты не установлены: причину назвал выше pip. Проверьте, доступен ли отсюда pypi.org (за прокси задайте HTTPS_PROXY), и повторите make.
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

# The functions on Google's emulators: docs/local-emulators.md.
emulators: $(VENV)/run.stamp
	@exec $(BIN)/python -m gateway.local.emulators

setup: $(VENV)/dev.stamp

# All tests, with the real parts; what is missing here is skipped.
test: $(VENV)/dev.stamp
	@exec $(PYTEST) $(PYTEST_ARGS)

# What to run while working: linters, types, the unit tests.
check: lint
	@exec $(PYTEST) tests/unit $(PYTEST_ARGS)

# Everything breaks at random: make chaos ARGS="--events 20000 --seed 7".
chaos: $(VENV)/dev.stamp
	@exec $(BIN)/python -m chaos $(ARGS)

# Attacks by kinds, then a million hostile inputs: make hostile ARGS="--kind slow --kind logs".
hostile: $(VENV)/dev.stamp
	@exec $(BIN)/python -m hostile $(ARGS)

# Defects put in on purpose, in a copy: a test must catch each.
defects: $(VENV)/dev.stamp
	@exec $(BIN)/python -m defects $(ARGS)

# The pictures in the documents, taken by Chromium from a running gateway.
pictures: $(VENV)/dev.stamp
	@exec $(BIN)/python -m pictures

# Real middlemen between Bitrix24 and us: writes docs/middlemen.md; ARGS="express-axios nginx" for some.
lab: $(VENV)/run.stamp
	@exec $(BIN)/python -m lab $(ARGS)

# Mutants of verify.py and the decoder; then: .venv/bin/mutmut results.
mutants: $(VENV)/dev.stamp
	$(BIN)/mutmut run --max-children 1

# What it costs, beside yardsticks; FIGURES="cold cpu" for some of it: docs/performance.md.
bench: $(VENV)/dev.stamp
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
	@echo "$(MAKING.$(SPOKEN))"
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
fi; test -e $@ || { echo "$(NOT_INSTALLED.$(SPOKEN))" >&2; exit 1; }
endef
