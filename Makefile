# All build output goes to bin/. test/tools/tools.mk builds the tools and the programs of a cluster.

GO      ?= go
KUBECTL ?= kubectl
# The image that the manifests name, unless another is given.
IMG     ?= $(shell sed -n 's/^ *image: //p' manifests/base/50-deployment.yaml)
IMAGE_ARCHS := amd64 arm64
OVERLAY ?= manifests/self-signed
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null)
SEED    ?= 1
N       ?= 300
# The end-to-end tests use their own cluster, and not the one of cluster-up.
E2E_DIR := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/pullgate-e2e

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help build run demo test test-unit test-install cluster-up cluster-down test-cluster test-e2e drills test-kind test-images \
	test-monitoring dashboard \
	flood truth truth-verify truth-random truth-diff truth-diff-containerd truth-diff-kubelet fuzz bench bench-micro \
	lint fmt vulncheck manifests image layout push install.yaml release-assets release-snapshot install uninstall assets \
	clean clean-all test-oldest

include test/tools/tools.mk

help: ## List the targets
	@awk 'BEGIN { FS = ":.*## " } /^[a-z0-9.-]+:.*## / { printf "  %-22s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

BUILD = CGO_ENABLED=0 $(GO) build -trimpath -ldflags '-s -w -X main.version=$(VERSION)'

build: ## Build bin/pullgate, a static binary
	$(BUILD) -o bin/pullgate ./cmd/pullgate

run: build ## Run the webhook outside a cluster, against the cluster of KUBECONFIG
	bin/pullgate serve --kubeconfig "$${KUBECONFIG:-$$HOME/.kube/config}"

demo: build bin/kustomize $(ASSETS) ## Run the demo: a real API server, a local registry, pods that would hang
	CGO_ENABLED=0 $(GO) run -trimpath ./test/demo

test: $(ASSETS) bin/kustomize ## Run all tests with the race detector, against a real API server too
	CGO_ENABLED=1 $(GO) test -race ./...

test-unit: ## Run the tests that need no API server
	CGO_ENABLED=1 $(GO) test -race $$($(GO) list ./... | grep -v '/test/integration')

test-install: $(ASSETS) bin/helm bin/kustomize ## Install by chart, kustomize and install.yaml, and uninstall, on a real API server
	CGO_ENABLED=0 $(GO) test -trimpath -count=1 -tags install ./test/install

test-oldest: $(OLDEST_ASSETS) bin/kustomize ## Run the integration tests against the API server of the oldest supported minor
	CGO_ENABLED=1 KUBEBUILDER_ASSETS='$(CURDIR)/bin/assets-oldest' $(GO) test -race -count=1 ./test/integration

cluster-up: cluster-packages cluster-programs ## Start a cluster of one real node (Linux, root)
	bin/cluster/cluster up

cluster-down: bin/cluster/cluster ## Stop the cluster, or remove the remains of a killed one
	bin/cluster/cluster down

test-cluster: cluster-packages cluster-programs ## Run the tests that need a real node (Linux, root)
	CGO_ENABLED=1 CLUSTER_PROGRAMS='$(CURDIR)/bin/cluster' $(GO) test -race -count=1 -tags cluster ./test/cluster/live

test-e2e: cluster-packages cluster-programs test-images ## Run the end-to-end tests on a real node (Linux, root)
	@GO='$(GO)' bin/cluster/cluster -dir '$(E2E_DIR)' run -- test/e2e/on-cluster '$(E2E_DIR)'

# With exec, a signal to make reaches the script.
test-kind: ## Run the end-to-end tests on a kind cluster (needs docker, kind and kubectl, or Debian and root)
	@GO='$(GO)' MAKE='$(MAKE)' KUBECTL='$(KUBECTL)' exec test/kind/run

drills: cluster-packages cluster-programs bin/cluster/toxiproxy test-images ## Break Pullgate, its registries and the cluster under load (DRILLS=, RESTARTS=; Linux, root)
	CGO_ENABLED=0 CLUSTER_PROGRAMS='$(CURDIR)/bin/cluster' IMAGES='$(CURDIR)/bin/e2e' RESTARTS='$(RESTARTS)' \
		$(GO) test -trimpath -count=1 -timeout 60m -v -tags cluster -run '^TestDrills$$/($(DRILLS))' ./test/drills

test-images: build ## Build the images of the end-to-end tests into bin/e2e, without docker
	@echo "Building the images of the end-to-end tests."
	CGO_ENABLED=0 $(GO) build -trimpath -buildvcs=false -ldflags '-s -w' -o bin/e2e/registry ./test/e2e/registry
	CGO_ENABLED=0 $(GO) run -trimpath ./test/image -from bin -tag localhost/pullgate:e2e -version '$(VERSION)' -o bin/e2e/pullgate.tar
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

image: ## Build the image IMG with docker (BUILDER= and BASE= replace the base images); without docker, as layout does
	@if docker info >/dev/null 2>&1; then \
		docker build --build-arg VERSION=$(VERSION) \
			$(foreach arg,BUILDER BASE,$(if $($(arg)),--build-arg $(arg)=$($(arg)))) --tag $(IMG) .; \
	else \
		echo "Docker does not respond: building an OCI layout."; \
		$(MAKE) --no-print-directory layout; \
	fi

layout: bin/sbom ## Build the image IMG for amd64 and arm64 into bin/image/layout, an OCI layout, and an SBOM for each, without docker
	rm -rf bin/image
	@for arch in $(IMAGE_ARCHS); do \
		echo "Building the program and its SBOM for linux/$$arch."; \
		GOOS=linux GOARCH=$$arch $(BUILD) -o bin/image/linux-$$arch/pullgate ./cmd/pullgate && \
		bin/sbom -version '$(VERSION)' -o bin/image/linux-$$arch/pullgate.cdx.json bin/image/linux-$$arch/pullgate || exit 1; \
	done
	CGO_ENABLED=0 $(GO) run -trimpath ./test/image -tag '$(IMG)' -version '$(VERSION)' -o bin/image/layout \
		$(foreach arch,$(IMAGE_ARCHS),-from linux/$(arch)=bin/image/linux-$(arch))

push: layout bin/crane ## Build the layout, and push it to its registry as IMG, with the credentials of docker login
	bin/crane push bin/image/layout '$(IMG)'

release-assets: install.yaml bin/helm ## Write what a release has besides programs: install.yaml for IMG, and the chart of VERSION
	rm -rf bin/chart
	bin/helm package manifests/chart --version '$(VERSION:v%=%)' --app-version '$(VERSION)' --destination bin/chart

release-snapshot: release-assets bin/goreleaser bin/sbom ## Build the archives, SBOMs and checksums of a release into bin/dist, without publishing
	bin/goreleaser check
	bin/goreleaser release --snapshot --clean --skip=sign

install.yaml: bin/kustomize ## Write OVERLAY, with the image IMG, to bin/manifests/install.yaml
	@mkdir -p bin/manifests
	bin/kustomize build $(OVERLAY) -o bin/manifests/overlay.yaml
	sed 's|^\( *image:\) .*|\1 $(IMG)|' bin/manifests/overlay.yaml >bin/manifests/install.yaml

install: install.yaml ## Apply OVERLAY, with the image IMG, to the current cluster
	$(KUBECTL) apply -f bin/manifests/install.yaml

uninstall: bin/kustomize ## Remove OVERLAY from the current cluster, the webhook configuration first
	$(KUBECTL) delete --ignore-not-found validatingwebhookconfiguration pullgate
	bin/kustomize build $(OVERLAY) | $(KUBECTL) delete --ignore-not-found -f -

assets: $(ASSETS) ## Build the API server and etcd that the tests run

clean: ## Remove the programs and manifests that are built from this module
	rm -rf bin/pullgate bin/manifests bin/e2e bin/image bin/chart bin/dist

clean-all: ## Remove bin/, also the tools and the API server
	rm -rf bin
