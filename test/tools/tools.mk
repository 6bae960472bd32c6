# The build rules of the tools, of the API server that the tests run, and of the programs of a cluster of one real node.
# A nested module beside this file pins each tool. If its go.mod changes, the tool is built again.

TOOLS := test/tools

# KUBEBUILDER_ASSETS names the folder of an API server that exists already. Without it, one is built.
ifdef KUBEBUILDER_ASSETS
ASSETS :=
else
export KUBEBUILDER_ASSETS := $(CURDIR)/bin/assets
ASSETS := bin/assets/kube-apiserver bin/assets/kubectl bin/assets/etcd
endif

# The API server of the oldest minor that Pullgate supports. Etcd is the same for both.
OLDEST_ASSETS := $(addprefix bin/assets-oldest/,kube-apiserver etcd kubectl)

# The programs of a cluster of one real node, in addition to the API server's, and the Debian packages that they need.
CLUSTER := $(addprefix bin/cluster/,cluster pause containerd containerd-shim-runc-v2 ctr kubelet \
	kube-controller-manager kube-scheduler kube-proxy)
NODE_PACKAGES := runc containernetworking-plugins iptables conntrack iproute2

# The programs that a node image of kind has in addition, and kind itself.
KIND := $(addprefix bin/kind/,kind kubeadm crictl coredns)

# All builds without the race detector use the same flags, so that they share one build cache.
# $(1) is the module, $(2) the package, $(3) linker flags, $(4) 1 for a tool that needs a C compiler, $(5) build tags.
define build-tool
@mkdir -p $(@D)
cd $(TOOLS)/$(1) && CGO_ENABLED=$(or $(4),0) GOWORK=off $(GO) build -trimpath $(if $(5),-tags '$(5)') -ldflags '-s -w $(3)' -o '$(CURDIR)/$@' $(2)
@touch $@
endef

# $(1) is the test in test/truth/live.
define truth-test
PULLGATE='$(CURDIR)/bin/pullgate' CLUSTER_PROGRAMS='$(CURDIR)/bin/cluster' \
	CGO_ENABLED=0 $(GO) test -trimpath -count=1 -timeout 30m -parallel 16 -tags cluster -run '^$(1)$$' ./test/truth/live
endef

# promtool and Prometheus test the alerts and the dashboard. PROMTOOL names a promtool that exists already, such as Debian's.
PROMTOOL   ?= bin/promtool
PROMETHEUS ?= prometheus
monitoring-test = KUSTOMIZE='$(CURDIR)/bin/kustomize' PULLGATE='$(CURDIR)/bin/pullgate' PROMTOOL='$(abspath $(PROMTOOL))' \
	PROMETHEUS='$(PROMETHEUS)' CGO_ENABLED=0 $(GO) test -trimpath -count=1 -timeout 20m -tags monitoring ./test/monitoring

.PHONY: cluster-programs cluster-packages kind-programs bench-build prometheus

# On Debian, root gets the missing package installed.
prometheus:
	@command -v '$(PROMETHEUS)' >/dev/null || { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && \
		apt-get install -y --no-install-recommends prometheus; } || { \
		echo "Prometheus is missing: install it, or set PROMETHEUS to its program." >&2; exit 1; }

cluster-programs: $(ASSETS) $(CLUSTER)

# The API server is built even if KUBEBUILDER_ASSETS names another, because its version must be kubeadm's.
kind-programs: $(addprefix bin/assets/,kube-apiserver kubectl etcd) $(CLUSTER) $(KIND)

# On Debian, root gets the missing packages installed. Elsewhere, the last command lists them and fails.
cluster-packages: bin/cluster/cluster
	@bin/cluster/cluster check >/dev/null 2>&1 || [ "$$(id -u)" != 0 ] || ! command -v apt-get >/dev/null || { \
		echo "Installing the packages of the node: $(NODE_PACKAGES)"; \
		apt-get install -y --no-install-recommends $(NODE_PACKAGES); \
	}
	@bin/cluster/cluster check

# Only a full run writes the results that are kept.
BENCH_FLAGS = $(if $(QUICK),-quick -out bin/bench/quick,-out test/bench/results) $(if $(ONLY),-only $(ONLY))
bench-build: $(ASSETS)
	@echo "Building Pullgate and the benchmark. The first time takes about 2 minutes on 2 cores."
	@$(MAKE) --no-print-directory build
	cd test/bench && CGO_ENABLED=0 GOWORK=off $(GO) build -trimpath -buildvcs=false -o '$(CURDIR)/bin/bench/' . ./arm

# $(1) is the module of a version of Kubernetes.
kubernetes-version  = $(shell sed -n 's|^.*k8s\.io/kubernetes \(v[0-9.]*\).*|\1|p' $(TOOLS)/$(1)/go.mod)
KUBERNETES_VERSION  = $(call kubernetes-version,kubernetes)
OLDEST_VERSION      = $(call kubernetes-version,kubernetes/oldest)

# Without these flags the API server reports the version v0.0.0, and clients compare versions. $(1) is the version.
STAMP               = -X k8s.io/component-base/version.
kubernetes-ldflags  = $(STAMP)gitVersion=$(1) $(STAMP)gitMajor=$(word 1,$(subst ., ,$(1:v%=%))) \
	$(STAMP)gitMinor=$(word 2,$(subst ., ,$(1:v%=%))) $(STAMP)gitTreeState=clean \
	$(STAMP)gitCommit=0000000000000000000000000000000000000000 $(STAMP)buildDate=1970-01-01T00:00:00Z
KUBERNETES_LDFLAGS  = $(call kubernetes-ldflags,$(KUBERNETES_VERSION))

CONTAINERD         := github.com/containerd/containerd/v2
CONTAINERD_VERSION  = $(shell sed -n 's|^.*$(CONTAINERD) \(v[0-9.]*\).*|\1|p' $(TOOLS)/containerd/go.mod)

bin/assets/kube-apiserver bin/assets/kubectl: $(TOOLS)/kubernetes/go.mod
	@echo "Building $(@F) $(KUBERNETES_VERSION) for the tests. With etcd and kubectl this takes 5 to 10 minutes on 2 cores, once."
	$(call build-tool,kubernetes,k8s.io/kubernetes/cmd/$(@F),$(KUBERNETES_LDFLAGS))

bin/assets-oldest/kube-apiserver: $(TOOLS)/kubernetes/oldest/go.mod
	@echo "Building $(@F) $(OLDEST_VERSION) for the tests. This takes about 4 minutes on 2 cores, once."
	$(call build-tool,kubernetes/oldest,k8s.io/kubernetes/cmd/$(@F),$(call kubernetes-ldflags,$(OLDEST_VERSION)))

bin/assets-oldest/etcd bin/assets-oldest/kubectl: bin/assets/etcd
	@mkdir -p $(@D)
	ln -sf ../assets/$(@F) $@

bin/cluster/kubelet bin/cluster/kube-controller-manager bin/cluster/kube-scheduler bin/cluster/kube-proxy: $(TOOLS)/kubernetes/go.mod
	@echo "Building $(@F) $(KUBERNETES_VERSION) for the cluster. All its programs take 5 to 10 minutes on 2 cores, once."
	$(call build-tool,kubernetes,k8s.io/kubernetes/cmd/$(@F),$(KUBERNETES_LDFLAGS))

bin/cluster/containerd bin/cluster/containerd-shim-runc-v2 bin/cluster/ctr: $(TOOLS)/containerd/go.mod
	@echo "Building $(@F) $(CONTAINERD_VERSION) for the cluster."
	$(call build-tool,containerd,$(CONTAINERD)/cmd/$(@F),-X $(CONTAINERD)/version.Version=$(CONTAINERD_VERSION))

bin/kind/kubeadm: $(TOOLS)/kubernetes/go.mod
	@echo "Building kubeadm $(KUBERNETES_VERSION), crictl, CoreDNS and kind. This takes 2 to 5 minutes on 2 cores, once."
	$(call build-tool,kubernetes,k8s.io/kubernetes/cmd/kubeadm,$(KUBERNETES_LDFLAGS))

bin/kind/crictl: $(TOOLS)/crictl/go.mod
	$(call build-tool,crictl,sigs.k8s.io/cri-tools/cmd/crictl)

bin/kind/coredns: $(addprefix $(TOOLS)/coredns/,go.mod main.go)
	$(call build-tool,coredns,.)

bin/kind/kind: $(TOOLS)/kind/go.mod
	$(call build-tool,kind,sigs.k8s.io/kind)

# The Go command decides whether these three are up to date.
.PHONY: bin/cluster/cluster bin/cluster/pause bin/sbom
bin/cluster/cluster bin/cluster/pause:
	@mkdir -p $(@D)
	CGO_ENABLED=0 $(GO) build -trimpath -buildvcs=false -ldflags '-s -w' -o $@ ./test/cluster/$(if $(filter cluster,$(@F)),cmd/)$(@F)

bin/sbom:
	CGO_ENABLED=0 $(GO) build -trimpath -buildvcs=false -ldflags '-s -w' -o $@ ./test/sbom

bin/assets/etcd: $(TOOLS)/etcd/go.mod
	$(call build-tool,etcd,go.etcd.io/etcd/server/v3)

bin/cluster/toxiproxy: $(TOOLS)/toxiproxy/go.mod
	$(call build-tool,toxiproxy,github.com/Shopify/toxiproxy/v2/cmd/server)

bin/crane: $(TOOLS)/crane/go.mod
	$(call build-tool,crane,github.com/google/go-containerregistry/cmd/crane)

bin/goreleaser: $(TOOLS)/goreleaser/go.mod
	@echo "Building goreleaser. It takes about 2 minutes on 2 cores, once."
	$(call build-tool,goreleaser,github.com/goreleaser/goreleaser/v2)

bin/kustomize: $(TOOLS)/kustomize/go.mod
	$(call build-tool,kustomize,sigs.k8s.io/kustomize/kustomize/v5)

bin/helm: $(TOOLS)/helm/go.mod
	@echo "Building helm. It takes about 2 minutes on 2 cores, once."
	$(call build-tool,helm,helm.sh/helm/v4/cmd/helm)

bin/govulncheck: $(TOOLS)/govulncheck/go.mod
	$(call build-tool,govulncheck,golang.org/x/vuln/cmd/govulncheck)

# Without the tag, the libraries of all clouds would be built, for service discovery.
bin/promtool: $(TOOLS)/promtool/go.mod
	@echo "Building promtool. It takes about 2 minutes on 2 cores, once."
	$(call build-tool,promtool,github.com/prometheus/prometheus/cmd/promtool,,,remove_all_sd)

bin/golangci-lint: $(TOOLS)/golangci-lint/go.mod
	@echo "Building golangci-lint. It takes about 3 minutes on 2 cores, once."
	$(call build-tool,golangci-lint,github.com/golangci/golangci-lint/v2/cmd/golangci-lint)

bin/vale: $(TOOLS)/vale/go.mod
	@cc=$$($(GO) env CC); command -v $${cc%% *} >/dev/null || { \
		echo "The prose linter needs a C compiler: install gcc or clang, or set CC. \"$$cc\" is not a command." >&2; \
		exit 1; \
	}
	@echo "Building the prose linter. It takes about 2 minutes on 2 cores, once."
	$(call build-tool,vale,github.com/vale-cli/vale/v3/cmd/vale,,1)
