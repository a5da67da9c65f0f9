# frontdesk: "make help" lists what can be done.

SHELL := /bin/bash
.DEFAULT_GOAL := help

export CGO_ENABLED = 0
GO        ?= go
VERSION   ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo development)
IMAGE     ?= frontdesk
REVISION  ?= $(shell git rev-parse HEAD 2>/dev/null || echo unknown)

# The same sources and the same Go give the same binary, byte for byte, in whatever folder. The Dockerfile has the same.
BUILD = -trimpath -buildvcs=false -tags timetzdata -ldflags '-s -w -buildid= -X main.release=$(VERSION)'

.PHONY: help run build generate assets test check prove fuzz bench small lighthouse image sbom reproducible screenshot chromium postgres clean

help: ## list the targets
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

run: build ## build and start the demo at http://localhost:8080
	@bin/frontdesk demo

build: assets ## build bin/frontdesk, with its assets inside
	$(GO) build $(BUILD) -o bin/frontdesk ./cmd/frontdesk

generate: ## generate Go from the templ files
	$(GO) tool templ generate -log-level error

assets: static/dist/manifest.json ## build CSS, JS and icons into static/dist

static/dist/manifest.json: static/node_modules/.package-lock.json static/package.json static/build.mjs static/icons.json $(shell find static/css static/js static/img views -name '*.css' -o -name '*.mjs' -o -name '*.js' -o -name '*.svg' -o -name '*.templ' -o -name '*_rows.go')
	cd static && npm run --silent build

static/node_modules/.package-lock.json: static/package.json static/package-lock.json
	cd static && npm ci --silent --no-fund --no-audit
	@touch $@

# Tests make many small databases and wait for each write to be safe on the disk: in memory, where there is room, they do not wait.
ROOMY = $(shell free=$$(df -Pm /dev/shm 2>/dev/null | awk 'NR == 2 {print $$4}'); test "$${free:-0}" -gt 6000 && echo /dev/shm)

test: export TMPDIR := $(or $(ROOMY),$(TMPDIR),/tmp)
test: check chromium postgres ## run every test, those in Chromium included
	$(GO) test -C .ci/tools ./...
	cd static && npm test --silent
	CGO_ENABLED=$(RACE) $(GO) test $(if $(filter 1,$(RACE)),-race -skip '^Fuzz') -timeout 12m -parallel 4 ./store ./web/...
	$(if $(filter 1,$(RACE)),CGO_ENABLED=1 $(GO) test -race -timeout 10m -parallel 4 -run '$(RACING)' ./handlers)
	$(GO) test -timeout 10m -parallel 4 ./cmd/... ./static ./views ./handlers ./store/audit
	$(GO) test -tags postgres -timeout 10m -parallel 4 ./store ./web/desk ./handlers
	$(if $(filter 1,$(RACE)),$(GO) test -timeout 10m -parallel 4 -run '$(SLOW)|^Fuzz' ./store ./web/...)
	@$(MAKE) --no-print-directory lighthouse PAGES=sample

# The race detector needs a C compiler; a machine without one runs the same tests without it.
# It slows SQLite down fifteen times. So it watches where things run at once: the store, the desk and the clients,
# and of the handlers what streams, uploads and is renewed; the rest runs without it, beside the tests in Chromium,
# which mostly wait. Those in files that say "!race", and the fuzz targets' seeds, run without it only.
# The tag postgres has the same tests work with PostgreSQL, on a server that they start themselves, or on the one that
# FRONTDESK_TEST_POSTGRES names.
RACING = Events|Upload|Refresh|Renew|Session|Import
SLOW = $(shell grep -l '^//go:build !race' store/*_test.go web/desk/*_test.go | xargs sed -nE 's/^func (Test[A-Za-z0-9]+).*/^\1$$/p' | paste -sd '|')
RACE = $(if $(shell command -v gcc || command -v clang),1,0)

check: assets ## vet, staticcheck, gosec, formatting, and whether generated code and the lock file are fresh
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { echo "not formatted:"; gofmt -l $$(git ls-files '*.go'); exit 1; }
	$(GO) vet ./...
	$(GO) vet -tags postgres ./store/... ./web/desk ./handlers
	$(GO) mod tidy -diff
	@$(MAKE) --no-print-directory generate
	@git diff --exit-code --stat -- '*_templ.go' || { echo "generated code is stale: run make generate and commit"; exit 1; }
	@! grep -q '"resolved"' static/package-lock.json .ci/lighthouse/package-lock.json || { echo "the lock file names a registry"; exit 1; }
	$(GO) build -C .ci/tools -o $(CURDIR)/bin/tools/ tool
	bin/tools/staticcheck ./...
	bin/tools/staticcheck -tags postgres ./store/... ./web/desk ./handlers
	bin/tools/gosec -test=false -exclude=$(UNFIT) $$($(GO) list ./... | grep -vE '/(pg|box)test$$')

# The checkers have a module of their own, so that nothing of theirs is in ours. gosec looks at what is in the binary only:
# tests plant secrets and open files of any name. Two of its rules do not fit here. G104 wants every error
# handled; those dropped here come from cleaning up after an error that is told. G115 warns of each narrower
# integer; the log keeps its entries' numbers in bitmaps of 32 bits.
UNFIT = G104,G115

# The kill loop is on the disk that TMPDIR names. A seed that a failure prints repeats it: FRONTDESK_SEED=…, -rapid.seed=….
prove: assets ## run the long tests: kills under load, half an hour of a hundred people, stories against a model, the log at every place; one page of results
	@mkdir -p bin; : > bin/proved.txt; failed=; \
	part() { \
		echo "$$1 …"; ended=held; \
		FRONTDESK_THOROUGH=1 TMPDIR="$$4" $(GO) test -v -count 1 -timeout 60m -run "$$2" "$$3" > bin/prove.log 2>&1 || { ended=BROKEN; failed=1; cat bin/prove.log; }; \
		{ echo "$$1: $$ended"; sed -nE 's/^.*_test\.go:[0-9]+: result: /  /p' bin/prove.log | sed 's/; /\n  /g'; grep -E '^(ok|FAIL)\s+frontdesk/' bin/prove.log | sed 's/^/  /'; } >> bin/proved.txt; \
	}; \
	part 'Killed at any moment, under load' '^TestKills$$' ./cmd/frontdesk "$${TMPDIR:-/tmp}"; \
	part 'Half an hour of a hundred people' '^TestSoak$$' ./cmd/frontdesk "$${TMPDIR:-/tmp}"; \
	part 'Stories against a model' '^TestStories$$' ./handlers '$(or $(ROOMY),/tmp)'; \
	part 'The audit log at every place, with every value' . ./store/audit '$(or $(ROOMY),/tmp)'; \
	echo; cat bin/proved.txt; test -z "$$failed"

# The targets are found in the sources, so that none is forgotten. What one finds is in testdata/fuzz beside its test, and
# fails from then on in "make test" too, which runs the seeds and what was found before. Little of the time goes into
# making inputs shorter.
FUZZTIME ?= 1m

fuzz: export TMPDIR := $(or $(ROOMY),$(TMPDIR),/tmp)
fuzz: assets ## search for bytes from outside that break a promise: each fuzz target for a minute, or FUZZTIME=10m
	@failed=; for target in $$(grep -roE --include='*_test.go' '^func Fuzz[A-Za-z0-9_]+' cmd handlers static/*.go store views web | sed -E 's|/[^/]*:func |:|' | sort); do \
		echo "$$target"; \
		$(GO) test "./$${target%:*}" -run '^$$' -fuzz "^$${target#*:}$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 100x || failed="$$failed $$target"; \
	done; test -z "$$failed" || { echo "found something:$$failed"; exit 1; }

# Each part runs several times, after one preparation; the report takes the medians. A part that fails fails all.
# What the report leaves out can be run by itself: go test -run '^$$' -bench Search -benchtime 200x ./store/audit
BENCH = bin/bench/$(1).txt
MEASURE = set -o pipefail; $(GO) test -run '^$$' -timeout 30m -bench

bench: assets ## measure everything against what could be, write the README's table, compare with the kept ratios; KEEP=1 keeps them
	@mkdir -p bin/bench && rm -f bin/bench/*.txt
	$(GO) build -C .ci/tools -o $(CURDIR)/bin/tools/ ./report
	$(MEASURE) 'Serve|Pages' -benchmem -benchtime 0.2s -count 3 ./static ./handlers | tee $(call BENCH,allocations)
	$(MEASURE) HundredThousand -benchtime 1x -count 3 ./handlers | tee $(call BENCH,pages)
	$(MEASURE) Acts -benchtime 1x -count 3 ./handlers | tee $(call BENCH,acts)
	$(MEASURE) Million -benchtime 1x -count 3 ./handlers | tee $(call BENCH,log)
	$(MEASURE) Append -benchtime 1x -count 3 ./store | tee $(call BENCH,append)
	$(MEASURE) Sync -benchtime 1x ./web/desk | tee $(call BENCH,sync)
	$(MEASURE) Import -benchtime 1x -count 3 ./web/desk | tee $(call BENCH,import)
	bin/tools/report $(if $(KEEP),-keep) bin/bench/*.txt

small: build ## measure start, memory and size with 100,000 customers and a million entries, against their limits
	FRONTDESK_BINARY=$(CURDIR)/bin/frontdesk $(GO) test -run '^$$' -bench Small -benchtime 1x -timeout 30m ./cmd/frontdesk

# Lighthouse has a package of its own, so that nothing of it is in ours. It finds Chromium by itself, or in CHROME_PATH.
lighthouse: build chromium .ci/lighthouse/node_modules/.package-lock.json ## audit the main pages with Lighthouse: phone and desktop, light and dark
	node .ci/lighthouse/run.mjs $(PAGES)

.ci/lighthouse/node_modules/.package-lock.json: .ci/lighthouse/package.json .ci/lighthouse/package-lock.json
	cd .ci/lighthouse && npm ci --silent --no-fund --no-audit
	@touch $@

# The docker format, because the OCI one has no health check. IMAGE_ARGS are for bases from elsewhere: see the Dockerfile.
image: ## build the container image, with docker, podman or buildah, and measure it against its limit
	@set -e -o pipefail; \
	if command -v docker > /dev/null && docker info > /dev/null 2>&1; then build='docker build' save='docker save $(IMAGE)'; \
	elif command -v podman > /dev/null && podman info > /dev/null 2>&1; then build='podman build --format docker' save='podman save -q $(IMAGE)'; \
	elif command -v buildah > /dev/null; then build='buildah bud --isolation chroot --layers --format docker' save='buildah push -q $(IMAGE) docker-archive:/dev/stdout:$(IMAGE)'; \
	else echo "docker, podman or buildah is needed"; exit 1; fi; \
	$$build --build-arg VERSION=$(VERSION) --build-arg REVISION=$(REVISION) $(IMAGE_ARGS) -t $(IMAGE) .; \
	size=$$($$save | gzip | wc -c); \
	echo "$(IMAGE) is $$((size / 1000000)) MB compressed, at most 30"; test "$$size" -le 30000000

sbom: build ## list what the binary is made of, as CycloneDX JSON, in bin/sbom.cdx.json; the image has it as /sbom.cdx.json
	$(GO) build -C .ci/tools -o $(CURDIR)/bin/tools/ ./sbom
	bin/tools/sbom -version '$(VERSION)' bin/frontdesk > bin/sbom.cdx.json
	@echo "bin/sbom.cdx.json: $$(grep -c '"purl": "pkg:golang' bin/sbom.cdx.json) Go modules, $$(grep -c '"purl": "pkg:npm' bin/sbom.cdx.json) npm packages"

# Each build has its own folder, its own packages from npm and its own cache of Go's.
reproducible: ## build twice from the commit, in different folders, and compare the binaries
	@set -e; dir=$$(mktemp -d); trap 'chmod -R u+w "$$dir"; rm -rf "$$dir"' EXIT; \
	for name in one another/one; do \
		mkdir -p "$$dir/$$name"; git archive HEAD | tar -x -C "$$dir/$$name"; \
		GOCACHE="$$dir/$$name.cache" $(MAKE) --no-print-directory -C "$$dir/$$name" build VERSION='$(VERSION)' > "$$dir/log" 2>&1 || { cat "$$dir/log"; exit 1; }; \
		(cd "$$dir/$$name" && sha256sum bin/frontdesk); \
	done; \
	cmp "$$dir/one/bin/frontdesk" "$$dir/another/one/bin/frontdesk" && echo "the same"

screenshot: build chromium ## take the README's screenshot again
	FRONTDESK_SCREENSHOTS=$(CURDIR)/.screenshots $(GO) test -count 1 -run Browser ./cmd/frontdesk
	cp .screenshots/screenshot.png static/img/screenshot.png

# Chromium is a package of the system; a machine without it gets it from there.
chromium:
	@command -v chromium > /dev/null || command -v chromium-browser > /dev/null || command -v google-chrome > /dev/null || { \
		echo "installing Chromium for the browser tests"; \
		sudo=$$(test "$$(id -u)" = 0 || echo sudo); \
		$$sudo apt-get update -qq && DEBIAN_FRONTEND=noninteractive $$sudo apt-get install -y -qq --no-install-recommends chromium > /dev/null; }

# So is the PostgreSQL server that tests start for themselves.
postgres:
	@test -n "$$FRONTDESK_TEST_POSTGRES" || command -v initdb > /dev/null || ls /usr/lib/postgresql/*/bin/initdb > /dev/null 2>&1 || { \
		echo "installing PostgreSQL for the tests"; \
		sudo=$$(test "$$(id -u)" = 0 || echo sudo); \
		$$sudo apt-get update -qq && DEBIAN_FRONTEND=noninteractive $$sudo apt-get install -y -qq --no-install-recommends postgresql > /dev/null; }

clean: ## remove what was built
	rm -rf bin static/node_modules .ci/lighthouse/node_modules .screenshots
	find static/dist -type f ! -name .gitkeep -delete
