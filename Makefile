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
SEEDS ?= 2000
SEED ?=
ONLY ?=
POWER ?=
POINTS ?=
ZOMBIES ?=
DAMAGES ?=

# Builds quietly unless it fails, and says how long it took. Arguments: what cargo is to do.
define cargo_build
started=$$SECONDS
echo "build: cargo $(1) (minutes the first time, seconds later)"
cargo $(1)
echo "build: done in $$((SECONDS - started)) s"
endef

KAFKA_PORT ?= 19092
BROKERS ?= 1

.PHONY: help run test setup native kafka-up kafka-down kafka-test exactly-once chaos chaos-quick rolling latency drain bench \
  tidy lint clean oncall-check sim paging notify-kill

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
	echo '     LEDGER=kafka      on a real broker, gateway and processors apart; there MUTATE= is one of commit-before-state,'
	echo '                       skipped-drain, generation-minus-one, forgotten-seek, reused-producer, position-too-high,'
	echo '                       no-probe, out-seq-for-seq, door-moves-now, wipe-before-verify'
	echo '     POINTS=3          Kafka: die so often at each named point of the crash matrix, in place of random kills'
	echo '     ZOMBIES=7         Kafka: stop processors for longer than their session; DAMAGES=5: damage state directories'
	echo 'make chaos           every fault on a real Kafka, each judged by the oracle, one table at the end; half an hour'
	echo '     ONLY=partitions   one of kills, broker-kills, zombies, points, partitions, storms, damages, late-ends, siblings'
	echo 'make chaos-quick     some of it in a few minutes'
	echo 'make rolling         restart 3 processors of 8 partitions in turn under load, 3 times, then kill: how long partitions idle'
	echo 'make latency         idle to incident on Kafka at 1000 events per second, beside a bare transaction'
	echo '     LEDGER=kafka RATE=1000 SECONDS_MEASURED=30'
	echo 'make oncall-check    who is on call about every change of clocks until 2040 in 40 zones, beside an independent answer'
	echo '     ZONES= YEARS=2020-2040 WRONG=   some zones, other years, a wrong rule that must be found'
	echo 'make drain           events per second, CPU and memory beside decoding alone'
	echo '     LEDGER=rocks EVENTS=3000000'
	echo 'make paging          open 100 000 incidents and see that each ladder climbs in time, and never after an answer'
	echo '     INCIDENTS=100000'
	echo 'make notify-kill     kill -9 between a provider taking a page and the mark of it: nothing lost, repeats recognisable'
	echo '     KILLS=20 NOTIFICATIONS=1000'
	echo 'make kafka-up        a real Apache Kafka on 127.0.0.1:19092, without Docker; kafka-down ends it'
	echo '     KAFKA_PORT=19092 BROKERS=1     or 3: replication 3, two of them confirm'
	echo 'make kafka-test      the contract of ledgers on a real broker'
	echo 'make sim             tell stories of faults on a model of Kafka, and check the laws after each step'
	echo '     SEEDS=2000 SEED=  how many stories, or one of them aloud'
	echo '     MUTATE=           break it on purpose: no-probe, reused-producer, out-seq-for-seq, position-too-high, and five more'
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
	python=python3
	if [ '$(LEDGER)' = kafka ]; then python=$$(scripts/python.sh); fi
	exec "$$python" tests/oracle/exactly_once.py --ledger '$(LEDGER)' --kills '$(KILLS)' --events '$(EVENTS)' \
	  $(if $(MUTATE),--mutate '$(MUTATE)') $(if $(POWER),--power '$(POWER)') \
	  $(if $(POINTS),--points '$(POINTS)') $(if $(ZOMBIES),--zombies '$(ZOMBIES)') $(if $(DAMAGES),--damages '$(DAMAGES)')

chaos chaos-quick: ## Every fault on Kafka
	@scripts/setup.sh --tests
	settings=$$(scripts/native.sh); . "$$settings"
	exec "$$(scripts/python.sh)" tests/oracle/chaos.py $(if $(filter chaos-quick,$@),--quick) \
	  $(if $(SEED),--seed '$(SEED)') $(foreach run,$(ONLY),--only '$(run)')

rolling: ## Restart one processor after the other
	@scripts/setup.sh --tests
	settings=$$(scripts/native.sh); . "$$settings"
	exec "$$(scripts/python.sh)" tests/oracle/exactly_once.py --ledger kafka --rolling 3 $(if $(SEED),--seed '$(SEED)')

latency: RATE ?= 1000
latency: SECONDS_MEASURED ?= 30
latency: ## Idle to incident
	@scripts/setup.sh --kafka
	settings=$$(scripts/native.sh); . "$$settings"
	$(call cargo_build,build --release -p campanile-load)
	address=$$(UNTIL=$$$$ PORT='$(KAFKA_PORT)' scripts/kafka.sh up)
	exec '$(TARGET)/release/campanile-load' latency --kafka "$$address" --rate '$(RATE)' --seconds '$(SECONDS_MEASURED)'

oncall-check: ZONES ?=
oncall-check: YEARS ?= 2020-2040
oncall-check: WRONG ?=
oncall-check: ## Compare who is on call with an independent implementation
	@scripts/setup.sh --tests
	$(call cargo_build,build --profile fast -p campanile-oncall --example answers)
	PYTHONPATH=$$(scripts/tzdata.sh)
	export PYTHONPATH
	exec python3 tests/oracle/oncall/check.py '$(TARGET)/fast/examples/answers' --years '$(YEARS)' \
	  $(if $(ZONES),--zones '$(ZONES)') $(if $(WRONG),--mutate '$(WRONG)')

drain: EVENTS ?= 3000000
drain: ## Measure the limit
	@scripts/setup.sh
	settings=$$(scripts/native.sh); . "$$settings"
	$(call cargo_build,build --release -p campanile-load)
	case '$(LEDGER)' in
	rocks) exec '$(TARGET)/release/campanile-load' drain --events '$(EVENTS)' ;;
	kafka)
	  scripts/setup.sh --kafka
	  address=$$(UNTIL=$$$$ PORT='$(KAFKA_PORT)' scripts/kafka.sh up)
	  exec '$(TARGET)/release/campanile-load' drain --kafka "$$address" --events '$(EVENTS)' ;;
	*) echo "drain: LEDGER=$(LEDGER) is not known; rocks or kafka" >&2; exit 2 ;;
	esac

paging: INCIDENTS ?= 100000
paging: ## Very many open incidents: ladders climb in time
	@scripts/setup.sh
	settings=$$(scripts/native.sh); . "$$settings"
	$(call cargo_build,build --release -p campanile-load)
	exec '$(TARGET)/release/campanile-load' paging --incidents '$(INCIDENTS)'

notify-kill: KILLS = 20
notify-kill: NOTIFICATIONS ?= 1000
notify-kill: ## Kill the notifier between a provider's word and its own
	@scripts/setup.sh --tests
	settings=$$(scripts/native.sh); . "$$settings"
	$(call cargo_build,build --profile fast -p campanile-server)
	KILLS='$(KILLS)' NOTIFICATIONS='$(NOTIFICATIONS)' CAMPANILE='$(TARGET)/fast/campanile' exec tests/acceptance/notify_kill.sh

sim: ## Tell stories of faults
	@scripts/setup.sh
	settings=$$(scripts/native.sh); . "$$settings"
	exec cargo run --quiet --profile fast -p campanile-sim $(if $(MUTATE),--features faults) -- \
	  $(if $(SEED),--seed '$(SEED)',--seeds '$(SEEDS)') $(if $(MUTATE),--mutate '$(MUTATE)')

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
