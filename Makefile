# Every task a person runs. It needs Go, make, git and a C compiler (for the race
# detector); tools are run by version and need no installation. The targets with
# localstack in their name need a Docker engine or a Python 3.13 as well, those with
# pubsub in theirs a Java and the Pub/Sub emulator of the Google Cloud CLI.

GO            ?= go
GOLANGCI_LINT ?= $(GO) run github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
GOVULNCHECK   ?= $(GO) run golang.org/x/vuln/cmd/govulncheck@v1.9.0

N            ?= 20
FUZZTIME     ?= 10s
FOR          ?= 10m
IDLE_FOR     ?= 1m
VULN_FLAGS   ?=
PORT         ?= 4566
PUBSUB_PORT  ?= 8085
SEED         ?= 0
MODULES      := $(dir $(wildcard go.mod */go.mod))
GENERATED    := conformance/MATRIX.md docs/cli.md

.DEFAULT_GOAL := help

.PHONY: help
help: ## Show this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1\t\2/p' $(MAKEFILE_LIST) | while IFS='	' read -r target text; do \
		printf '  %-22s %s\n' "$$target" "$$text"; \
	done

# Build and test

.PHONY: build
build: ## Build everything; the commands go to bin/
	$(GO) build ./...
	@mkdir -p bin
	@if [ -d cmd ]; then set -x; $(GO) build -o bin/ ./cmd/...; fi

.PHONY: test
test: ## Run all tests with the race detector, then the allocation checks without it
	@$(GO) mod graph >/dev/null # has all module files here, so that the tutorial can be followed without a network
	$(GO) test -race ./...
	$(GO) test -run '^TestAlloc' ./...

.PHONY: test-localstack
test-localstack: ## Test what starts LocalStack; what needs one is skipped where there is none
	cd localstack && $(GO) test -race -skip '^Test(Conformance|Probes|Chaos)' ./...

.PHONY: test-observability
test-observability: ## Test the Grafana dashboard and the Prometheus alerts on a scrape of real workers
	cd observability && $(GO) test -race ./...

.PHONY: test-repeat
test-repeat: ## Run the suite N times (N=20), to find tests that fail now and then
	$(GO) test -race -count=$(N) -timeout 60m ./...

# The race detector sees as much with its shortest history, and takes a tenth less time;
# what it may lack is where the other access to a racing variable was. A seed that is
# run again by the command that its failure prints has the usual one.
SHORT_HISTORY := GORACE="history_size=0 $$GORACE"

.PHONY: soak
soak: ## Run the simulation with new seeds for FOR (10m)
	$(SHORT_HISTORY) $(GO) test -race -count=1 -timeout 0 -run '^TestSeeds$$' -v ./internal/simulation -for $(FOR) -seed $$(date +%s)000

.PHONY: fuzz
fuzz: ## Run every fuzz target for FUZZTIME (10s)
	@set -e; for package in $$($(GO) list ./...); do \
		found=$$($(GO) test -list '^Fuzz' "$$package"); \
		for target in $$found; do \
			case $$target in Fuzz*) ;; *) continue ;; esac; \
			echo "== $$package $$target"; \
			$(GO) test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 10x "$$package"; \
		done; \
	done

# Deploy: what examples/orders is deployed as. Neither needs a network once the
# modules are there.

IMAGE           ?= orders
IMAGE_ARCH      ?= $(shell $(GO) env GOARCH)
CA_CERTIFICATES ?= /etc/ssl/certs/ca-certificates.crt
STATIC          := CGO_ENABLED=0 GOOS=linux $(GO) build -trimpath -buildvcs=false -ldflags '-s -w'

# Without the revision, so that the same sources make the same bytes: what is not
# changed is not deployed anew.
.PHONY: bootstrap
bootstrap: ## Build the Lambda function of examples/orders: bin/lambda/bootstrap.zip (arm64), bootstrap-amd64.zip
	@mkdir -p bin/lambda
	@set -e; for arch in arm64 amd64; do \
		echo "bin/lambda/bootstrap-$$arch.zip"; \
		GOARCH=$$arch $(STATIC) -tags lambda.norpc -o bin/lambda/$$arch/bootstrap ./examples/orders/cmd/lambda; \
		$(GO) run ./examples/orders/cmd/pack -o bin/lambda/bootstrap-$$arch.zip bin/lambda/$$arch/bootstrap examples/orders/sqs.yaml; \
	done
	cp bin/lambda/bootstrap-arm64.zip bin/lambda/bootstrap.zip

# A Docker engine that is not at hand is said, and is a failure with IMAGE_REQUIRE=1.
.PHONY: image-orders
image-orders: ## Build the container image of examples/orders as IMAGE (orders) for IMAGE_ARCH
	@rm -rf bin/image && mkdir -p bin/image/receipts
	GOARCH=$(IMAGE_ARCH) $(STATIC) -o bin/image/ ./examples/orders/cmd/worker ./examples/orders/cmd/push
	cp examples/orders/sqs.yaml examples/orders/pubsub.yaml examples/orders/servicebus.yaml bin/image/
	cp $(CA_CERTIFICATES) bin/image/ca-certificates.crt
	@if docker info >/dev/null 2>&1; then \
		set -x; docker build --platform linux/$(IMAGE_ARCH) -t $(IMAGE) -f examples/orders/Dockerfile bin/image; \
	else \
		echo "image: ABSENT, no Docker engine answers; what it is built from is in bin/image"; \
		[ "$(IMAGE_REQUIRE)" != 1 ]; \
	fi

# Checks

.PHONY: fmt
fmt: ## Format all Go files
	gofmt -l -w .

.PHONY: lint
lint: ## Run the linters of .golangci.yml on every module
	@set -e; for module in $(MODULES); do \
		echo "== $$module"; \
		(cd "$$module" && $(GOLANGCI_LINT) run --config $(CURDIR)/.golangci.yml ./...); \
	done

.PHONY: tidy-check
tidy-check: ## Fail when a go.mod or go.sum is not tidy
	@set -e; for module in $(MODULES); do \
		echo "== $$module"; \
		(cd "$$module" && $(GO) mod tidy -diff); \
	done

# A database that cannot be reached is said, and is a failure with VULN_REQUIRE=1;
# a finding is always a failure.
.PHONY: vuln
vuln: ## Look for known vulnerabilities in what is called; VULN_REQUIRE=1: fail when the database is not reachable
	@set -e; for module in $(MODULES); do \
		echo "== $$module"; \
		if report=$$(cd "$$module" && $(GOVULNCHECK) $(VULN_FLAGS) ./... 2>&1); then \
			printf '%s\n' "$$report"; \
		elif printf '%s\n' "$$report" | grep -q '^govulncheck: fetching vulnerabilities: '; then \
			echo "vulnerability check: ABSENT, database not reachable"; \
			[ "$(VULN_REQUIRE)" != 1 ]; \
		else \
			printf '%s\n' "$$report"; exit 1; \
		fi; \
	done

# LocalStack: see localstack/README.md.

# Ryuk is a second image, which would end the containers of tests that were killed.
# Tests end theirs themselves, and images are not everywhere at hand.
export TESTCONTAINERS_RYUK_DISABLED ?= true

.PHONY: localstack
localstack: ## Run a LocalStack with SQS on port PORT (4566) until Ctrl-C
	@cd localstack && $(GO) build -o ../bin/localstack ./cmd/localstack
	@bin/localstack -port $(PORT)

# Time is real there, and nearly all of it is waiting, so that many checks run at
# once. What was found is kept in localstack/results, of which MATRIX.md has its
# columns: they are as of the last run of this target, and other machines need no
# LocalStack for the others. CONFORMANCE_LONG=1 adds the checks that take minutes.
LOCALSTACK_PROFILES := sqs standard localstack,lambda localstack,sqs fair localstack,sqs fifo localstack

.PHONY: conformance-localstack
conformance-localstack: ## Run the suite and the probes of the in-process server on LocalStack
	@rm -rf .results/localstack
	cd localstack && CONFORMANCE_REQUIRE='$(LOCALSTACK_PROFILES)' CONFORMANCE_RESULTS='$(CURDIR)/.results/localstack' LOCALSTACK_REQUIRE=1 \
		$(GO) test -count=1 -timeout 20m -parallel 48 -run '^Test(Conformance|Probes)' .
	@mkdir -p localstack/results && cp .results/localstack/*.json localstack/results/

.PHONY: chaos-localstack
chaos-localstack: ## Figure: 10,000 tasks on LocalStack, workers killed ten times, nothing lost; SEED=n repeats one
	cd localstack && $(GO) test -count=1 -timeout 20m -run '^TestChaos$$' -v . -chaos -chaos-seed $(SEED)

.PHONY: chaos-deploy
chaos-deploy: ## Figure: functions, push endpoints and what brings them messages are killed 50 times, nothing lost; SEED=n repeats one
	$(GO) test -count=1 -timeout 10m -run '^TestChaos$$' -v ./lambdaentry ./pushentry -chaos -chaos-seed $(SEED)

# The official Pub/Sub emulator: see pubsubemulator/README.md.

.PHONY: test-pubsub-emulator
test-pubsub-emulator: ## Test what starts the Pub/Sub emulator; what needs one is skipped where there is none
	cd pubsubemulator && $(GO) test -race -skip '^Test(Conformance|Probes|Chaos)' ./...

.PHONY: pubsub-emulator
pubsub-emulator: ## Run a Pub/Sub emulator on port PUBSUB_PORT (8085) until Ctrl-C
	@cd pubsubemulator && $(GO) build -o ../bin/pubsubemulator ./cmd/pubsubemulator
	@bin/pubsubemulator -port $(PUBSUB_PORT)

# Time is real there too, and no ack deadline is below 10 s, so that all checks run at
# once and take as long as the longest. The probes come after them: both together are
# more than the emulator does in time. What was found is kept in
# pubsubemulator/results, as that on LocalStack.
PUBSUB_PROFILES := pubsub plain emulator,pubsub ordered emulator,pubsub exactly-once emulator

.PHONY: conformance-pubsub
conformance-pubsub: ## Run the suite and the probes of the in-process server on the Pub/Sub emulator
	@rm -rf .results/pubsubemulator
	cd pubsubemulator && CONFORMANCE_REQUIRE='$(PUBSUB_PROFILES)' CONFORMANCE_RESULTS='$(CURDIR)/.results/pubsubemulator' PUBSUB_EMULATOR_REQUIRE=1 \
		$(GO) test -count=1 -timeout 20m -parallel 600 -run '^TestConformance' .
	cd pubsubemulator && PUBSUB_EMULATOR_REQUIRE=1 $(GO) test -count=1 -timeout 10m -parallel 100 -run '^TestProbes' .
	@mkdir -p pubsubemulator/results && cp .results/pubsubemulator/*.json pubsubemulator/results/

.PHONY: chaos-pubsub
chaos-pubsub: ## Figure: 10,000 tasks on the Pub/Sub emulator, workers killed ten times, nothing lost; 60 restarts strand nothing; SEED=n repeats one
	cd pubsubemulator && PUBSUB_EMULATOR_REQUIRE=1 $(GO) test -count=1 -timeout 20m -run '^TestChaos' -v . -chaos -chaos-seed $(SEED)

# A real namespace of Azure Service Bus, or Microsoft's emulator, by the connection
# string in SERVICEBUS_CONNECTION_STRING, which needs the right Manage: the suite makes
# queues of its own there, and deletes them. Time is real.
SERVICEBUS_PROFILES := servicebus plain namespace,servicebus dedup namespace,servicebus session namespace

.PHONY: conformance-servicebus
conformance-servicebus: ## Run the suite and the probes of the in-process server on the namespace or emulator of SERVICEBUS_CONNECTION_STRING
	CONFORMANCE_REQUIRE='$(SERVICEBUS_PROFILES)' CONFORMANCE_RESULTS='$(CURDIR)/.results/servicebus' SERVICEBUS_NAMESPACE_REQUIRE=1 \
		$(GO) test -count=1 -timeout 60m -parallel 100 -run '^TestNamespace' ./drivers/servicebus ./drivers/servicebus/sbfake

# What is not at hand (terraform, its AWS, Azure and Google providers, a LocalStack) is said,
# and is a failure with TERRAFORM_REQUIRE=1.
.PHONY: terraform-test
terraform-test: ## Test the Terraform modules, and what a user does with one on LocalStack (6 minutes)
	GO="$(GO)" terraform/test.sh

# The suite writes what it found to the directory in CONFORMANCE_RESULTS; the
# go:generate line in conformance/ runs it on what is in one process, adds what is
# kept of LocalStack and of the Pub/Sub emulator, and makes the table. A profile that
# is required and has no results is a failure.
LOCAL_PROFILES := mem,mem ordered,mem ordered batches,sqs standard,sqs fair,sqs fifo,lambda,lambda fifo,push,pubsub plain,pubsub ordered,pubsub exactly-once,servicebus plain,servicebus dedup,servicebus session

.PHONY: matrix
matrix: ## Write conformance/MATRIX.md anew from a run of the suite
	CONFORMANCE_REQUIRE='$(LOCAL_PROFILES)' $(GO) generate ./conformance

.PHONY: cli-docs
cli-docs: ## Write docs/cli.md anew from the commands
	$(GO) test -count=1 -run '^TestTheReferenceIsThatOfTheCommands$$' ./cmd/longshore -update

.PHONY: generate-check
generate-check: matrix cli-docs ## Fail when a generated file differs from the committed one
	@git ls-files --error-unmatch -- $(GENERATED) >/dev/null
	git diff --exit-code -- $(GENERATED)

# Figures

.PHONY: figures
figures: bench-core bench-peers bench-latency bench-claimcheck bench-mem bench-heartbeats bench-idle bench-limits simulate bench-sqs-requests bench-sqs-cpu bench-sqs-backlog bench-pubsub-rate bench-pubsub-requests pubsub-requests bench-servicebus-rate bench-servicebus-requests servicebus-locks bench-lambda bench-push bench-telemetry chaos-deploy ## Measure every figure and fail when one is missed

.PHONY: bench-core
bench-core: ## Figure: 300,000 tasks a second from typed enqueue to ack on mem
	cd benchmarks && $(GO) run . compare -only longshore -min 300000 -rounds 10

.PHONY: bench-peers
bench-peers: ## Figure: mem has 2.5 times Watermill's rate and 5 times gocloud's, 12 allocations, 5 µs CPU a task; EnqueueMany 1.15 times, 0.1 requests on SQS
	cd benchmarks && $(GO) run . peers
	cd benchmarks && $(GO) run ./sqs send

.PHONY: bench-latency
bench-latency: ## Figure: at 1,000 tasks a second for 30 s on mem, p50 below 60 µs and p99 below 1 ms from due to the start of the handler
	cd benchmarks && $(GO) run . latency

.PHONY: bench-claimcheck
bench-claimcheck: ## Figure: a store for large payloads leaves small tasks on mem at least 0.97 of their throughput
	cd benchmarks && $(GO) run ./claimcheck

.PHONY: bench-mem
bench-mem: ## Figure: mem at 1,000,000 + 100,000 messages costs at most 3 times that at 1,000 + 1,000, and a message 400 B
	$(GO) test -count=1 -run '^Test(CostDoesNotGrowWithTheQueue|MemoryOfAMessage)$$' -v ./drivers/mem -cost

.PHONY: bench-heartbeats
bench-heartbeats: ## Figure: the heartbeats of 100,000 handlers, hold 3 s, take below 10 % of a core; no lease is lost
	cd benchmarks && $(GO) run ./worker heartbeats

.PHONY: bench-idle
bench-idle: ## Figure: a worker with nothing to do takes below 0.5 % of a core, for IDLE_FOR (1m)
	cd benchmarks && $(GO) run ./worker idle -for $(IDLE_FOR)

.PHONY: bench-limits
bench-limits: ## Figure: weights 6:3:1 within 10 %, no lower task before a higher one, 100 a second within 3 %
	$(GO) test -count=1 -run '^Test(WeightsShare|ARateIsKept|StrictStarts|FiguresIn)' -v ./runtime -figures

.PHONY: simulate
simulate: ## Figure: 2,000 seeds of the simulation with the race detector within 60 s
	$(SHORT_HISTORY) $(GO) test -race -count=1 -run '^TestSeeds$$' -v ./internal/simulation -seeds 2000 -within 60s

.PHONY: bench-sqs-requests
bench-sqs-requests: ## Figure: on SQS a message takes at most 0.31 requests, an idle worker one a Wait
	cd benchmarks && $(GO) run ./sqs requests

.PHONY: bench-sqs-cpu
bench-sqs-cpu: ## Figure: CPU a message on SQS at most 1.4 times a raw SDK loop's and half of gocloud's
	cd benchmarks && $(GO) run ./sqs cpu

.PHONY: bench-sqs-backlog
bench-sqs-backlog: ## Figure: under a backlog no message waits leased and unstarted for a third of its hold
	cd benchmarks && $(GO) run ./sqs backlog

.PHONY: bench-pubsub-rate
bench-pubsub-rate: ## Figure: on Pub/Sub at least 0.95 times gocloud's rate, every lease kept, at most 0.1 requests a message on leases
	cd benchmarks && $(GO) run ./pubsub rate

.PHONY: bench-pubsub-requests
bench-pubsub-requests: ## Figure: on Pub/Sub a message takes at most 0.1 requests on leases under a backlog, an idle worker one Pull
	cd benchmarks && $(GO) run ./pubsub requests

.PHONY: pubsub-requests
pubsub-requests: ## Figure: the same in virtual time; handlers of 20 minutes keep their message, 10,000 leases for ten holds, 60 drains strand nothing
	$(GO) test -count=1 -run '^Test(RequestsAMessage|AnIdleWorkerHasOnePullInFlight|ADrainStrandsNothing|AHandlerOfTwentyMinutesKeepsItsMessage|ManyLeasesForManyHolds|ManyHandlersKeepTheirLeasesForManyHolds)$$' -v ./drivers/pubsub

.PHONY: bench-lambda
bench-lambda: ## Figure: a bootstrap on AWS Lambda has at most 12 MB, starts below 80 ms, adds below 50 us a message, takes at most 256 MiB
	cd benchmarks && $(GO) run ./lambda size && $(GO) run ./lambda start && $(GO) run ./lambda cost && $(GO) run ./lambda memory

.PHONY: bench-servicebus-rate
bench-servicebus-rate: ## Figure: on Service Bus at least 0.8 times the rate of a raw SDK loop, every lock kept; the server carries 5,000 messages a second
	cd benchmarks && $(GO) run ./servicebus rate

.PHONY: bench-servicebus-requests
bench-servicebus-requests: ## Figure: on Service Bus a message takes at most 1.05 deliveries and dispositions, no needless renewal, no new link
	cd benchmarks && $(GO) run ./servicebus requests

.PHONY: servicebus-locks
servicebus-locks: ## Figure: 5,000 locks of 30 s are kept for ten of them, in virtual time
	$(GO) test -count=1 -run '^TestManyHandlersKeepTheirLocks$$' -v ./drivers/servicebus -figures

.PHONY: bench-push
bench-push: ## Figure: 5,000 pushes a second over 32 connections on 2 cores, client included and every signature checked, p99 below 5 ms
	cd benchmarks && $(GO) run ./push rate

.PHONY: bench-telemetry
bench-telemetry: ## Figure: telemetry takes at most 50 ns a task off, 1.5 us of CPU on; on SQS at most 15 % of the throughput
	$(GO) test -count=1 -run '^TestFigureOfTelemetryOff$$' -v ./runtime -figures
	cd benchmarks && $(GO) run ./telemetry && $(GO) run ./sqs telemetry

.PHONY: bench-test
bench-test: ## Test the comparison itself
	cd benchmarks && $(GO) test -race ./...

# asynq needs a redis-server on the path, River a PostgreSQL: each is started for the
# run in a new directory, and gone after it. Without them the page says that they are
# absent.
BENCH_REPORT ?= docs/benchmarks.md
ROUNDS       ?= 5

.PHONY: bench
bench: ## Compare with channels, other libraries and SDKs, and write docs/benchmarks.md (ROUNDS=1 BENCH_REPORT=FILE for a quick look)
	@rm -rf .results/bench
	cd benchmarks && $(GO) run . compare -rounds $(ROUNDS) -record $(CURDIR)/.results/bench/compare.json
	cd benchmarks && $(GO) run . latency -record $(CURDIR)/.results/bench/latency.json
	cd benchmarks && $(GO) run ./sqs cpu -rounds $(ROUNDS) -record $(CURDIR)/.results/bench/sqs.json
	cd benchmarks && $(GO) run ./pubsub rate -rounds $(ROUNDS) -record $(CURDIR)/.results/bench/pubsub.json
	cd benchmarks && $(GO) run ./servicebus rate -rounds $(ROUNDS) -record $(CURDIR)/.results/bench/servicebus.json
	cd benchmarks && $(GO) run . report -in $(CURDIR)/.results/bench -out $(abspath $(BENCH_REPORT))
