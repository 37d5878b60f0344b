# The commands of this project. `make help` lists them.
.DEFAULT_GOAL := help
.PHONY: help demo test chaos bench bench-peers bench-python soak instructions lint docs setup

help: ## list the commands
	@awk -F':.*## ' '/^[a-z-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: ## two services on one bus, one of them killed midway
	@scripts/setup.sh demo
	cargo run --quiet -p tidings-cli -- demo

test: ## install what the tests need, then run them all
	@scripts/setup.sh test
	@scripts/test.sh

chaos: ## kill and cut everything, then balance the books (half an hour; SEED=N repeats a schedule)
	@scripts/setup.sh test
	@scripts/chaos.sh $(SEED)

bench: ## ratios to raw limits, then figures and plots among peers (half an hour and the builds)
	@scripts/setup.sh test
	@scripts/bench.sh ratios
	@scripts/bench.sh measure

bench-peers: ## figures and plots among peers alone (ONLY=latency measures one axis)
	@scripts/setup.sh test
	@scripts/bench.sh measure --only "$(ONLY)"

instructions: ## what pure parts take for an event, against the counts of the repository (UPDATE=1 keeps new ones)
	@scripts/setup.sh test
	cargo run --quiet --release -p tidings-instructions -- $(if $(UPDATE),--update)

bench-python: ## ratios of the Python package to edx-event-bus-redis, with KAFKA=1 to edx-event-bus-kafka (five minutes and a release build)
	@scripts/setup.sh test
	@scripts/bench-python.sh $(if $(KAFKA),--kafka)

soak: ## an hour at half of what is possible: does anything grow? (MINUTES=5 is shorter)
	@scripts/setup.sh test
	@scripts/bench.sh soak --minutes $(or $(MINUTES),60)

lint: ## format, clippy, licences, dependency directions, documentation
	@scripts/setup.sh ci
	@scripts/lint.sh
