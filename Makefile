# Facteur. "make help" lists what there is.

ARGS ?=
# Where the rule packs are, and where to take them from instead of Maven and pip.
PACKS = $(or $(FACTEUR_PACKS),.facteur/packs)
BUNDLE ?=
FUZZTIME ?= 20s
GO ?= go

GOLANGCI_LINT = .tools/golangci-lint-$(GOLANGCI_LINT_VERSION)
GOLANGCI_LINT_VERSION = v2.15.0
GOVULNCHECK = .tools/govulncheck-$(GOVULNCHECK_VERSION)
GOVULNCHECK_VERSION = v1.8.0

.DEFAULT_GOAL = help
.PHONY: help demo test setup setup-test packs build check lint race vuln corpora bench fuzz kill clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo 'Variables: ARGS="…" (demo), BUNDLE=DIR|URL (packs), FUZZTIME=20s (fuzz), FACTEUR_PACKS=DIR'

demo: setup build packs ## install what is missing, build, and run ten orders through the whole gateway
	@bin/facteur demo $(ARGS)

test: setup setup-test build packs ## install what the tests need, and run them all
	@if [ ! -d ../shared ] && [ "$$CI" = true ]; then echo 'test: ../shared is missing, and CI=true allows no test to be left out' >&2; exit 1; fi
	@$(GO) run ./scripts/testsum -timeout 30m ./...
	@[ -d ../shared ] || echo 'not run: the tests over the corpora and vectors of ../shared, which is not there'

setup: ## install what building needs (root or sudo), if it is missing
	@scripts/setup.sh build

setup-test: ## install what the tests need: PostgreSQL, Chromium, Postfix, ...
	@scripts/setup.sh test

packs: build ## fetch, verify and unpack the official rule packs
	@unset FACTEUR_PACKS; export FACTEUR_PACKS_DIR=$(PACKS); bin/facteur schemas verify >/dev/null 2>&1 || { \
		{ [ -n '$(BUNDLE)' ] || scripts/setup.sh packs; } && \
		bin/facteur schemas sync $(if $(BUNDLE),--from '$(BUNDLE)'); }

build: ## build bin/facteur
	@$(GO) build -o bin/facteur ./cmd/facteur

check: lint race vuln ## linters, race detector, known vulnerabilities

lint: $(GOLANGCI_LINT)
	$(GOLANGCI_LINT) run ./...

race:
	$(GO) run ./scripts/testsum -race -timeout 60m ./...

vuln: $(GOVULNCHECK)
	@if $(GOVULNCHECK) ./... >.tools/govulncheck.out 2>&1; then \
		echo 'govulncheck: no known vulnerability is reachable'; \
	elif grep -q '^govulncheck: fetching vulnerabilities' .tools/govulncheck.out; then \
		echo 'govulncheck did not run: its database cannot be reached'; \
	else \
		cat .tools/govulncheck.out; exit 1; \
	fi

$(GOLANGCI_LINT):
	@echo 'building golangci-lint $(GOLANGCI_LINT_VERSION), a few minutes'
	@GOBIN=$(CURDIR)/.tools $(GO) install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_LINT_VERSION)
	@mv .tools/golangci-lint $@

$(GOVULNCHECK):
	@GOBIN=$(CURDIR)/.tools $(GO) install golang.org/x/vuln/cmd/govulncheck@$(GOVULNCHECK_VERSION)
	@mv .tools/govulncheck $@

corpora: setup build packs ## check every document of ../shared/corpora, not only a sample
	@test -d ../shared/corpora || { echo 'corpora: ../shared/corpora is not there' >&2; exit 1; }
	FACTEUR_CORPORA=all $(GO) run ./scripts/testsum -timeout 4h -run 'Corpora|Corpus|Expected' ./...

bench: build packs ## run the benchmarks (docs/performance.md has the figures)
	$(GO) test -run '^$$' -bench . -benchmem ./...

fuzz: ## run every fuzz target for FUZZTIME
	@scripts/fuzz.sh $(FUZZTIME)

kill: build packs ## the long test that kills the gateway at every fault point
	FACTEUR_KILL=all $(GO) run ./scripts/testsum -timeout 4h -run Kill ./...

clean: ## remove what was built; the data folder .facteur stays
	rm -rf bin .tools
