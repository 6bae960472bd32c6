# Everything that is built goes to bin/. Tools are pinned by nested modules under test/tools, and rebuilt when those change.

GO      ?= go
KUBECTL ?= kubectl
# The image that the manifests name, unless another is given.
IMG     ?= $(shell sed -n 's/^ *image: //p' manifests/base/50-deployment.yaml)
OVERLAY ?= manifests/self-signed
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null)

OVERLAYS := base self-signed cert-manager all-namespaces
TOOLS    := test/tools

# An API server that is there already may be used in place of our own.
ifdef KUBEBUILDER_ASSETS
ASSETS :=
else
export KUBEBUILDER_ASSETS := $(CURDIR)/bin/assets
ASSETS := bin/assets/kube-apiserver bin/assets/kubectl bin/assets/etcd
endif

# One set of flags for every tool, so that all share one build cache. $(1) is the module, $(2) the package, $(3) linker flags.
define build-tool
@mkdir -p $(@D)
cd $(TOOLS)/$(1) && CGO_ENABLED=0 GOWORK=off $(GO) build -trimpath -ldflags '-s -w $(3)' -o '$(CURDIR)/$@' $(2)
@touch $@
endef

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help build run demo test test-unit truth-diff-kubelet lint fmt vulncheck manifests image install uninstall assets clean clean-all

help: ## List the targets
	@awk 'BEGIN { FS = ":.*## " } /^[a-z-]+:.*## / { printf "  %-18s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## Build bin/pullgate, a static binary
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '-s -w -X main.version=$(VERSION)' -o bin/pullgate ./cmd/pullgate

run: build ## Run the webhook outside a cluster, against the cluster of KUBECONFIG
	bin/pullgate serve --kubeconfig "$${KUBECONFIG:-$$HOME/.kube/config}"

demo: build bin/kustomize $(ASSETS) ## Show it: a real API server, a local registry, pods that would hang
	$(GO) run ./test/demo

test: $(ASSETS) bin/kustomize ## Run all tests with the race detector, against a real API server too
	CGO_ENABLED=1 $(GO) test -race ./...

test-unit: ## Run the tests that need no API server
	CGO_ENABLED=1 $(GO) test -race $$($(GO) list ./... | grep -v '/test/integration')

truth-diff-kubelet: ## Compare credentials with the kubelet's own code, in 10,000 made-up cases (TRUTH_SEED, TRUTH_CASES)
	@echo "Building the kubelet's packages takes about 3 minutes on 2 cores, once."
	cd test/truth/kubelet && GOWORK=off $(GO) test -count=1 -v ./...

lint: bin/golangci-lint ## Run the linters
	bin/golangci-lint run

fmt: bin/golangci-lint ## Format the code and sort its imports
	bin/golangci-lint fmt

vulncheck: bin/govulncheck ## Look for known vulnerabilities (asks vuln.go.dev)
	bin/govulncheck ./...

manifests: bin/kustomize ## Build every overlay into bin/manifests
	@mkdir -p bin/manifests
	@for o in $(OVERLAYS); do \
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

clean: ## Remove what is built from this module
	rm -rf bin/pullgate bin/manifests

clean-all: ## Remove the tools and the API server too
	rm -rf bin

# An unstamped API server calls itself v0.0.0, and clients compare versions.
KUBERNETES_VERSION  = $(shell sed -n 's|^.*k8s\.io/kubernetes \(v[0-9.]*\).*|\1|p' $(TOOLS)/kubernetes/go.mod)
KUBERNETES_MAJOR    = $(word 1,$(subst ., ,$(KUBERNETES_VERSION:v%=%)))
KUBERNETES_MINOR    = $(word 2,$(subst ., ,$(KUBERNETES_VERSION:v%=%)))
STAMP               = -X k8s.io/component-base/version.
KUBERNETES_LDFLAGS  = $(STAMP)gitVersion=$(KUBERNETES_VERSION) $(STAMP)gitMajor=$(KUBERNETES_MAJOR) \
	$(STAMP)gitMinor=$(KUBERNETES_MINOR) $(STAMP)gitTreeState=clean \
	$(STAMP)gitCommit=0000000000000000000000000000000000000000 $(STAMP)buildDate=1970-01-01T00:00:00Z

bin/assets/kube-apiserver bin/assets/kubectl: $(TOOLS)/kubernetes/go.mod
	@echo "Building $(@F) $(KUBERNETES_VERSION) for the tests. With etcd and kubectl this takes 5 to 10 minutes on 2 cores, once."
	$(call build-tool,kubernetes,k8s.io/kubernetes/cmd/$(@F),$(KUBERNETES_LDFLAGS))

bin/assets/etcd: $(TOOLS)/etcd/go.mod
	$(call build-tool,etcd,go.etcd.io/etcd/server/v3)

bin/kustomize: $(TOOLS)/kustomize/go.mod
	$(call build-tool,kustomize,sigs.k8s.io/kustomize/kustomize/v5)

bin/govulncheck: $(TOOLS)/govulncheck/go.mod
	$(call build-tool,govulncheck,golang.org/x/vuln/cmd/govulncheck)

bin/golangci-lint: $(TOOLS)/golangci-lint/go.mod
	@echo "Building golangci-lint. It takes about 3 minutes on 2 cores, once."
	$(call build-tool,golangci-lint,github.com/golangci/golangci-lint/v2/cmd/golangci-lint)
