# The commands of this repository; `make` alone lists them. Every slow step says what it does and how long it took.
# CARGO_TARGET_DIR is honoured; figures are changed on the command line, as in `make drain EVENTS=100000`.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.ONESHELL:
MAKEFLAGS += --no-print-directory

# Where rustup puts cargo, for shells that have not read its env file.
export PATH := $(or $(CARGO_HOME),$(HOME)/.cargo)/bin:$(PATH)

TARGET := $(if $(CARGO_TARGET_DIR),$(CARGO_TARGET_DIR),target)
LEDGER ?= rocks
# Set by `run` alone: what is passed on to `campanile demo`.
ARGS ?=
KILLS ?= 15
MUTATE ?=
POWER ?=

# Builds quietly unless it fails, and says how long it took. Arguments: what cargo is to do.
define cargo_build
started=$$SECONDS
echo "build: cargo $(1) (minutes the first time, seconds later)"
cargo $(1)
echo "build: done in $$((SECONDS - started)) s"
endef

KAFKA_PORT ?= 19092
BROKERS ?= 1

.PHONY: help run test setup native kafka-up kafka-down kafka-test kafka-kills exactly-once drain bench tidy lint clean

help: ## List the commands
	@echo 'make run             build Campanile and show it: the noise hour, 1000 alerts to 50 incidents'
	echo '     ARGS=--once       end after the funnel'
	echo '     LEDGER=kafka      on a real Apache Kafka, started for it unless `make kafka-up` did'
	echo 'make test            run every test, with the time of each part'
	echo 'make setup           install what a bare Debian machine lacks'
	echo 'make exactly-once    kill -9 under load, then compare with an independent oracle'
	echo '     LEDGER=rocks KILLS=15 EVENTS=500000'
	echo '     MUTATE=           break it on purpose: commit-before-state, ack-before-append, forgotten-cursor, skip-fsync'
	echo '     POWER=cut         also lose what was not synced'
	echo 'make drain           events per second, CPU and memory beside decoding alone'
	echo '     LEDGER=rocks EVENTS=3000000'
	echo 'make kafka-up        a real Apache Kafka on 127.0.0.1:19092, without Docker; kafka-down ends it'
	echo '     KAFKA_PORT=19092 BROKERS=1     or 3: replication 3, two of them confirm'
	echo 'make kafka-test      the contract of ledgers on a real broker'
	echo 'make kafka-kills     kill -9 and stop processors on Kafka under load, then compare with what was sent'
	echo '     SECONDS_OF_TROUBLE=60'
	echo 'make bench           the micro-benchmarks'
	echo 'make tidy            floors, names, sizes and what else the compiler does not check'
	echo 'make lint            format check and clippy'
	echo 'make clean           remove what was built here; the RocksDB cache outside the checkout stays'

setup: ## Install what is missing
	@scripts/setup.sh --tests

native: ## Build RocksDB once, outside the checkout
	@scripts/setup.sh
	scripts/native.sh >/dev/null

kafka-up: ## A broker to try and test with
	@PORT='$(KAFKA_PORT)' BROKERS='$(BROKERS)' scripts/kafka.sh up

kafka-down: ## Stop it and take its data away
	@PORT='$(KAFKA_PORT)' scripts/kafka.sh down

kafka-test: ## The contract of ledgers on a real broker
	@scripts/setup.sh --kafka
	settings=$$(scripts/native.sh); . "$$settings"
	exec cargo test --profile fast -p campanile-ledger-kafka --features broker

kafka-kills: SECONDS_OF_TROUBLE ?= 60
kafka-kills: ## Kill and compare, on Kafka
	@scripts/setup.sh --kafka
	settings=$$(scripts/native.sh); . "$$settings"
	$(call cargo_build,build --profile fast -p campanile-server)
	exec python3 tests/acceptance/kafka_kills.py --binary '$(TARGET)/fast/campanile' --seconds '$(SECONDS_OF_TROUBLE)'

run: ## Build and show
	@scripts/setup.sh
	settings=$$(scripts/native.sh); . "$$settings"
	$(call cargo_build,build --profile fast -p campanile-server)
	case '$(LEDGER)' in
	  rocks) exec '$(TARGET)/fast/campanile' demo $(ARGS) ;;
	  kafka) scripts/setup.sh --kafka; exec env PORT='$(KAFKA_PORT)' scripts/demo_kafka.sh '$(TARGET)/fast/campanile' $(ARGS) ;;
	  *) echo 'LEDGER is rocks or kafka' >&2; exit 64 ;;
	esac

test: ## Run every test
	@scripts/setup.sh --tests
	settings=$$(scripts/native.sh); . "$$settings"
	exec scripts/test.sh

exactly-once: EVENTS ?= 500000
exactly-once: ## Kill and compare
	@scripts/setup.sh --tests
	settings=$$(scripts/native.sh); . "$$settings"
	exec python3 tests/oracle/exactly_once.py --ledger '$(LEDGER)' --kills '$(KILLS)' --events '$(EVENTS)' \
	  $(if $(MUTATE),--mutate '$(MUTATE)') $(if $(POWER),--power '$(POWER)')

drain: EVENTS ?= 3000000
drain: ## Measure the limit
	@scripts/setup.sh
	settings=$$(scripts/native.sh); . "$$settings"
	$(call cargo_build,build --release -p campanile-load)
	exec cargo run --quiet --release -p campanile-load -- drain $(if $(filter-out rocks,$(LEDGER)),--ledger '$(LEDGER)') --events '$(EVENTS)'

bench: ## Micro-benchmarks
	@scripts/setup.sh
	settings=$$(scripts/native.sh); . "$$settings"
	exec cargo bench --workspace

tidy: ## What the compiler does not check
	@exec cargo xtask tidy

lint: ## Format and clippy
	@scripts/setup.sh
	settings=$$(scripts/native.sh); . "$$settings"
	cargo fmt --all --check
	exec cargo clippy --profile fast --workspace --all-targets -- -D warnings

clean: ## Remove what was built here
	@cargo clean
	echo "clean: kept $${CAMPANILE_CACHE:-$${XDG_CACHE_HOME:-$$HOME/.cache}/campanile}, the RocksDB that was built once"
