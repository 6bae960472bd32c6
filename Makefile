# All build output goes to bin/. test/tools/tools.mk builds the tools and the programs of a cluster.

GO      ?= go
KUBECTL ?= kubectl
# The image that the manifests name, unless another is given.
IMG     ?= $(shell sed -n 's/^ *image: //p' manifests/base/50-deployment.yaml)
OVERLAY ?= manifests/self-signed
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null)
SEED    ?= 1
N       ?= 300
# The end-to-end tests use their own cluster, and not the one of cluster-up.
E2E_DIR := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/pullgate-e2e

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help build run demo test test-unit cluster-up cluster-down test-cluster test-e2e drills test-kind test-images \
	test-monitoring dashboard \
	flood truth truth-verify truth-random truth-diff truth-diff-containerd truth-diff-kubelet fuzz bench bench-micro \
	lint fmt vulncheck manifests image install uninstall assets clean clean-all

include test/tools/tools.mk

help: ## List the targets
	@awk 'BEGIN { FS = ":.*## " } /^[a-z0-9-]+:.*## / { printf "  %-22s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## Build bin/pullgate, a static binary
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '-s -w -X main.version=$(VERSION)' -o bin/pullgate ./cmd/pullgate

run: build ## Run the webhook outside a cluster, against the cluster of KUBECONFIG
	bin/pullgate serve --kubeconfig "$${KUBECONFIG:-$$HOME/.kube/config}"

demo: build bin/kustomize $(ASSETS) ## Run the demo: a real API server, a local registry, pods that would hang
	CGO_ENABLED=0 $(GO) run -trimpath ./test/demo

test: $(ASSETS) bin/kustomize ## Run all tests with the race detector, against a real API server too
	CGO_ENABLED=1 $(GO) test -race ./...

test-unit: ## Run the tests that need no API server
	CGO_ENABLED=1 $(GO) test -race $$($(GO) list ./... | grep -v '/test/integration')

cluster-up: cluster-packages cluster-programs ## Start a cluster of one real node (Linux, root)
	bin/cluster/cluster up

cluster-down: bin/cluster/cluster ## Stop the cluster, or remove the remains of a killed one
	bin/cluster/cluster down

test-cluster: cluster-packages cluster-programs ## Run the tests that need a real node (Linux, root)
	CGO_ENABLED=1 CLUSTER_PROGRAMS='$(CURDIR)/bin/cluster' $(GO) test -race -count=1 -tags cluster ./test/cluster/live

test-e2e: cluster-packages cluster-programs test-images ## Run the end-to-end tests on a real node (Linux, root)
	@GO='$(GO)' bin/cluster/cluster -dir '$(E2E_DIR)' run -- test/e2e/on-cluster '$(E2E_DIR)'

test-kind: ## Run the end-to-end tests on a kind cluster (needs docker, kind and kubectl)
	@GO='$(GO)' MAKE='$(MAKE)' KUBECTL='$(KUBECTL)' test/e2e/on-kind

drills: cluster-packages cluster-programs bin/cluster/toxiproxy test-images ## Break Pullgate, its registries and the cluster under load (DRILLS=, RESTARTS=; Linux, root)
	CGO_ENABLED=0 CLUSTER_PROGRAMS='$(CURDIR)/bin/cluster' IMAGES='$(CURDIR)/bin/e2e' RESTARTS='$(RESTARTS)' \
		$(GO) test -trimpath -count=1 -timeout 60m -v -tags cluster -run '^TestDrills$$/($(DRILLS))' ./test/drills

test-images: build ## Build the images of the end-to-end tests into bin/e2e, without docker
	@echo "Building the images of the end-to-end tests."
	CGO_ENABLED=0 $(GO) build -trimpath -buildvcs=false -ldflags '-s -w' -o bin/e2e/registry ./test/e2e/registry
	CGO_ENABLED=0 $(GO) run -trimpath ./test/image -tag localhost/pullgate:e2e -version '$(VERSION)' -o bin/e2e/pullgate.tar
	CGO_ENABLED=0 $(GO) run -trimpath ./test/image -file test/e2e/registry/Dockerfile -from bin/e2e -tag localhost/pullgate-registry:e2e -o bin/e2e/registry.tar

truth: cluster-packages cluster-programs build ## Run the scenarios on a real node and on Pullgate, and write test/truth/REPORT.md (Linux, root)
	TRUTH_RECORD=1 $(call truth-test,TestTruth)

truth-verify: cluster-packages cluster-programs build ## Run the scenarios, and compare with the recorded results (Linux, root)
	$(call truth-test,TestTruth)

truth-random: cluster-packages cluster-programs build ## Run N random scenarios of a SEED on both (Linux, root)
	TRUTH_SEED=$(SEED) TRUTH_CASES=$(N) $(call truth-test,TestRandom) -v

truth-diff: truth-diff-kubelet truth-diff-containerd ## Compare with the code of the kubelet and containerd, in 30,000 generated cases

truth-diff-containerd: ## Compare hosts.toml and platforms with containerd's own code, in 20,000 generated cases
	@echo "Building containerd's packages, then 10,000 certs.d trees and 10,000 indexes. The first run takes about 3 minutes on 2 cores."
	cd test/truth/containerd && GOWORK=off $(GO) test -count=1 ./...

truth-diff-kubelet: ## Compare credentials with the kubelet's own code, in 10,000 generated cases (TRUTH_SEED, TRUTH_CASES)
	@echo "Building the kubelet's packages takes about 3 minutes on 2 cores, once."
	cd test/truth/kubelet && GOWORK=off $(GO) test -count=1 -v ./...

test-monitoring: build bin/kustomize $(PROMTOOL) prometheus $(ASSETS) ## Test the alerts with promtool, and the dashboard with a real Prometheus (Linux)
	$(monitoring-test)

dashboard: build bin/kustomize $(PROMTOOL) prometheus $(ASSETS) ## The same, and draw manifests/monitoring/dashboard.svg
	DASHBOARD_PICTURE='$(CURDIR)/manifests/monitoring/dashboard.svg' $(monitoring-test)

flood: ## Attack a running webhook with hostile registries and clients, and measure its memory (Linux)
	FLOOD=1 CGO_ENABLED=0 $(GO) test -trimpath -count=1 -v -timeout 30m ./test/flood

fuzz: ## Run each fuzz target for FUZZTIME (10s)
	@GO='$(GO)' FUZZTIME='$(FUZZTIME)' test/fuzz/run

bench: bench-build ## Compare the cost of Pullgate with other webhooks, in test/bench/results (QUICK=1, ONLY=warm,cold,…; Linux)
	@echo "Measuring takes about $(if $(QUICK),1 minute,15 minutes). Run nothing else on the machine during that time."
	@bin/bench/bench $(BENCH_FLAGS)

bench-micro: ## Run the micro-benchmarks of the hot functions, with their allocations
	$(GO) test -run '^$$' -bench . -benchmem ./webhook/...

lint: bin/golangci-lint bin/vale ## Run the linters
	CGO_ENABLED=0 GOFLAGS="$$($(GO) env GOFLAGS) -trimpath" bin/golangci-lint run --allow-parallel-runners
	find . -path ./bin -prune -o \( -name '*.go' -o -name '*.md' ! -path ./test/truth/REPORT.md ! -path './test/bench/results/*' \) -exec bin/vale --output=line {} +

fmt: bin/golangci-lint ## Format the code and sort its imports
	bin/golangci-lint fmt

vulncheck: bin/govulncheck ## Check for known vulnerabilities (needs access to vuln.go.dev)
	bin/govulncheck ./...

manifests: bin/kustomize ## Build every overlay into bin/manifests
	@mkdir -p bin/manifests
	@for o in base self-signed cert-manager all-namespaces namespaced-secrets denial-events; do \
		echo "bin/kustomize build manifests/$$o"; \
		bin/kustomize build manifests/$$o >bin/manifests/$$o.yaml || exit 1; \
	done

image: ## Build the container image IMG (needs docker)
	docker build --build-arg VERSION=$(VERSION) --tag $(IMG) .

install: bin/kustomize ## Apply OVERLAY, with the image IMG, to the current cluster
	bin/kustomize build $(OVERLAY) | sed 's|^\( *image:\) .*|\1 $(IMG)|' | $(KUBECTL) apply -f -

uninstall: bin/kustomize ## Remove OVERLAY from the current cluster, the webhook configuration first
	$(KUBECTL) delete --ignore-not-found validatingwebhookconfiguration pullgate
	bin/kustomize build $(OVERLAY) | $(KUBECTL) delete --ignore-not-found -f -

assets: $(ASSETS) ## Build the API server and etcd that the tests run

clean: ## Remove the programs and manifests that are built from this module
	rm -rf bin/pullgate bin/manifests bin/e2e

clean-all: ## Remove bin/, also the tools and the API server
	rm -rf bin
