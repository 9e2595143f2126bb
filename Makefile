# Two commands matter: `make call` and `make test`. Both prepare the machine first.
SHELL := /bin/bash
export PATH := $(or $(CARGO_HOME),$(HOME)/.cargo)/bin:$(PATH)
TARGET := $(or $(CARGO_TARGET_DIR),target)

.DEFAULT_GOAL := help
.PHONY: help call test check bench load fuzz prove worlds month soak torture doors deb test-freeswitch setup-build setup-test

help: ## what there is
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sort | awk -F':.*## ' '{printf "  make %-15s %s\n", $$1, $$2}'

call: setup-build ## a real phone call with the line, heard, answered and drawn: target/call/
	cargo build --release --locked -p xenline -p xenline-brain
	$(TARGET)/release/xenline demo

test: setup-test ## every test, those with other people's phones included
	scripts/test.sh

check: setup-build ## formatting, lints and who may import whom
	scripts/check.sh
	cargo test --locked -p xenline --test layering

bench: setup-test ## tick, jitter buffer, codecs, rings and the stores of the lanes
	cargo bench --locked -p xenline --bench audio_path --bench tick --bench lanes

CALLS ?= 200
SECONDS_EACH ?= 20
# Limits of an echo call: sipp's own cost times 2.5, 150 KB, and no packet lost.
load: setup-test ## CALLS calls at once, beside sipp's echo under the same load; fails beyond its limits
	cargo build --release --locked -p xenline -p xenline-brain
	$(TARGET)/release/xenline load --calls $(CALLS) --seconds $(SECONDS_EACH) \
		--cpu-over-floor-max 2.5 --rss-kb-max 150 --lost-percent-max 0

fuzz: setup-build ## each fuzz target for FUZZ_SECONDS (60)
	scripts/fuzz.sh

prove: setup-test ## the governor's contract proven again: worlds, mutants, crashes, figures as JSON
	scripts/prove.py

worlds: setup-build ## larger worlds of the governor explored as well, for a night: states of each are printed
	EXPLORE=deep cargo test --locked -p queue-governor --test explore -- --nocapture

month: setup-build ## 31 days on the line in virtual time (SEED=n repeats a month); figures as JSON
	scripts/month.sh

HOURS ?= 1
soak: setup-build ## CALLS calls at a time for HOURS, again and again; what grows in the second half, as JSON
	cargo build --release --locked -p xenline -p xenline-brain
	scripts/soak.py --hours $(HOURS) --calls $(CALLS)

torture: setup-test ## RFC 4475, RFC 5118, the hostile corpus and the trunk's acceptance list; figures as JSON
	scripts/torture.py

doors: setup-test ## phone, LiveKit room, browser and operator on one line for DOORS_SECONDS (300); figures as JSON
	scripts/doors.py

deb: setup-build ## a Debian package: target/deb/
	cargo build --release --locked -p xenline -p xenline-brain
	scripts/deb.sh

test-freeswitch: setup-build ## freeswitch-conf/ on the FreeSWITCH below FREESWITCH, called through
	cargo build --locked -p xenline -p xenline-brain
	scripts/freeswitch.py

setup-build:
	@scripts/setup.sh build

setup-test:
	@scripts/setup.sh test
