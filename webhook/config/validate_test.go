package config_test

import (
	"strings"
	"testing"

	"github.com/pullgate/pullgate/webhook/config"
)

func TestValueMistakes(t *testing.T) {
	t.Parallel()
	testMistakes(t, map[string]mistake{
		"another version": {
			data: "apiVersion: pullgate.dev/v1",
			want: `apiVersion: Unsupported value: "pullgate.dev/v1": supported values: "pullgate.dev/v1alpha1"`,
		},
		"another kind": {
			data: "kind: Config",
			want: `kind: Unsupported value: "Config": supported values: "Configuration"`,
		},
		"an unknown mode": {
			data: "defaultMode: strict",
			want: `defaultMode: Unsupported value: "strict": supported values: "enforce", "warn", "audit", "off"`,
		},
		"an unknown action": {
			data: "actions: {NotFound: ignore}",
			want: `actions[NotFound]: Unsupported value: "ignore": supported values: "deny", "warn", "allow"`,
		},
		"a denial of pullable images": {
			data: "actions: {NotChecked: deny}",
			want: `actions[NotChecked]: Invalid value: "deny": nodes can pull such images: use warn or allow`,
		},
		"a delay below zero": {
			data: "retry: {initialDelay: -1ms}",
			want: `retry.initialDelay: Invalid value: "-1ms": must be at least 0s`,
		},
		"a shrinking delay": {
			data: "retry: {factor: 0.5}",
			want: "retry.factor: Invalid value: 0.5: must be at least 1",
		},
		"jitter below zero": {
			data: "retry: {jitter: -0.1}",
			want: "retry.jitter: Invalid value: -0.1: must be at least 0",
		},
		"jitter above one": {
			data: "retry: {jitter: 1.1}",
			want: "retry.jitter: Invalid value: 1.1: must be at most 1",
		},
		"no attempt": {
			data: "retry: {maxAttempts: 0}",
			want: "retry.maxAttempts: Invalid value: 0: must be at least 1",
		},
		"no time for an admission": {
			data: "timeouts: {admission: 0s, request: 0s, connect: 0s}",
			want: "timeouts.admission: Invalid value: \"0s\": must be more than 0s\n" +
				"timeouts.request: Invalid value: \"0s\": must be more than 0s\n" +
				"timeouts.connect: Invalid value: \"0s\": must be more than 0s",
		},
		"an admission longer than webhooks get": {
			data: "timeouts: {admission: 31s}",
			want: `timeouts.admission: Invalid value: "31s": must be at most 30s`,
		},
		"a request longer than its admission": {
			data: "timeouts: {request: 9s}",
			want: `timeouts.request: Invalid value: "9s": must be at most timeouts.admission, which is 8s`,
		},
		"a connection longer than its request": {
			data: "timeouts: {connect: 3s}",
			want: `timeouts.connect: Invalid value: "3s": must be at most timeouts.request, which is 2.5s`,
		},
		"headroom below zero": {
			data: "timeouts: {headroom: -1s}",
			want: `timeouts.headroom: Invalid value: "-1s": must be at least 0s`,
		},
		"headroom that leaves nothing": {
			data: "timeouts: {headroom: 30s}",
			want: `timeouts.headroom: Invalid value: "30s": must be at most 29s`,
		},
		"no rest": {
			data: "backoff: {initialDelay: 0s}",
			want: `backoff.initialDelay: Invalid value: "0s": must be more than 0s`,
		},
		"a first rest longer than the longest": {
			data: "backoff: {initialDelay: 6m}",
			want: `backoff.initialDelay: Invalid value: "6m0s": must be at most backoff.maxDelay, which is 5m0s`,
		},
		"a rest for a day": {
			data: "backoff: {maxDelay: 24h}",
			want: `backoff.maxDelay: Invalid value: "24h0m0s": must be at most 1h0m0s`,
		},
		"a shrinking rest": {
			data: "backoff: {factor: 0.5}",
			want: "backoff.factor: Invalid value: 0.5: must be at least 1",
		},
		"nothing remembered": {
			data: "cache: {maxEntries: 0}",
			want: "cache.maxEntries: Invalid value: 0: must be at least 1",
		},
		"lifetimes below zero": {
			data: "cache: {tagTTL: -1s, digestTTL: -1s, notFoundTTL: -1s, deniedTTL: -1s}",
			want: `cache.tagTTL: Invalid value: "-1s": must be at least 0s` + "\n" +
				`cache.digestTTL: Invalid value: "-1s": must be at least 0s` + "\n" +
				`cache.notFoundTTL: Invalid value: "-1s": must be at least 0s` + "\n" +
				`cache.deniedTTL: Invalid value: "-1s": must be at least 0s`,
		},
		"no questions": {
			data: "limits: {perRegistry: 0, total: 0}",
			want: "limits.perRegistry: Invalid value: 0: must be at least 1\nlimits.total: Invalid value: 0: must be at least 1",
		},
		"no uses": {
			data: "limits: {usesPerObject: 0}",
			want: "limits.usesPerObject: Invalid value: 0: must be at least 1",
		},
		"no manifest": {
			data: "limits: {manifestBytes: 0}",
			want: "limits.manifestBytes: Invalid value: 0: must be at least 1",
		},
		"another runtime": {
			data: "nodes: {runtime: docker}",
			want: `nodes.runtime: Unsupported value: "docker": supported values: "containerd", "cri-o"`,
		},
		"containerd's files for another runtime": {
			data: "nodes: {runtime: cri-o, hostsDir: /etc/containerd/certs.d}",
			want: "nodes.hostsDir: Forbidden: hosts.toml is containerd's, and CRI-O does not read it: remove the key, or correct runtime",
		},
		"local pulls with CRI-O": {
			data: "nodes: {runtime: cri-o, localImagePull: true}",
			want: "nodes.localImagePull: Forbidden: is a setting of containerd's: remove the key, or correct runtime",
		},
		"deep with CRI-O": {
			data: "deep: true\nnodes: {runtime: cri-o}",
			want: "deep: Forbidden: follows containerd, and what CRI-O fetches is not known: remove it, or correct nodes.runtime",
		},
		"a list of directories with hosts": {
			data: `nodes: {hostsDir: "/etc/containerd/certs.d:/etc/docker/certs.d"}`,
			want: `nodes.hostsDir: Invalid value: "/etc/containerd/certs.d:/etc/docker/certs.d": ` +
				"must be one directory: nodes whose config_path is a list ignore all of it",
		},
		"providers without their programs": {
			data: "nodes: {credentialProvider: {config: /c}}",
			want: "nodes.credentialProvider.binDir: Required value: goes with config",
		},
		"programs without providers": {
			data: "nodes: {credentialProvider: {binDir: /b}}",
			want: "nodes.credentialProvider.config: Required value: goes with binDir",
		},
		"another answer for networks": {
			data: "egress: {privateNetworks: warn}",
			want: `egress.privateNetworks: Unsupported value: "warn": supported values: "allow", "deny"`,
		},
		"several, each on its line": {
			data: "defaultMode: strict\nretry: {factor: 0, jitter: 2}\nbackoff: {factor: 0}\n",
			want: `defaultMode: Unsupported value: "strict": supported values: "enforce", "warn", "audit", "off"` + "\n" +
				"retry.factor: Invalid value: 0: must be at least 1\n" +
				"retry.jitter: Invalid value: 2: must be at most 1\n" +
				"backoff.factor: Invalid value: 0: must be at least 1",
		},
	})
}

// TestUnknownReason leaves the list of reasons open, since the vocabulary is not this package's.
func TestUnknownReason(t *testing.T) {
	t.Parallel()
	_, err := config.Load([]byte("actions: {Notfound: deny}"))
	if err == nil {
		t.Fatal("Load() = no error, want one")
	}
	start := `actions[Notfound]: Unsupported value: "Notfound": supported values: "`
	if !strings.HasPrefix(err.Error(), start) || !strings.Contains(err.Error(), `"NotFound"`) {
		t.Errorf("error = %v, want it to begin with %s and to list NotFound", err, start)
	}
}

func TestPlatformMistakes(t *testing.T) {
	t.Parallel()
	const form = `must be os/architecture[/variant], such as "linux/amd64" or "linux/arm64/v8"`
	const architectures = "must be one of the architectures 386, amd64, arm, arm64, loong64, mips64le, ppc64le, riscv64, s390x"
	tests := map[string]string{
		"":               form,
		"amd64":          form,
		"linux/arm/v7/x": form,
		"darwin/arm64":   "must be one of the systems linux, windows",
		"linux/amd46":    architectures,
		"linux/x86_64":   architectures,
		"linux/arm64/8":  `must have a variant such as "v7", or none`,
		"linux/arm64/":   `must have a variant such as "v7", or none`,
	}
	mistakes := map[string]mistake{}
	for platform, detail := range tests {
		mistakes["platform "+platform] = mistake{
			`nodes: {platforms: [linux/amd64, "` + platform + `"]}`,
			`nodes.platforms[1]: Invalid value: "` + platform + `": ` + detail,
		}
	}
	testMistakes(t, mistakes)
}

func TestPlatforms(t *testing.T) {
	t.Parallel()
	platforms := []string{
		"linux/amd64", "linux/arm64/v8", "linux/arm/v7", "linux/amd64/v3", "linux/arm64/v8.2", "windows/amd64",
	}
	for _, platform := range platforms {
		if _, err := config.Load([]byte(`nodes: {platforms: ["` + platform + `"]}`)); err != nil {
			t.Errorf("Load() of platform %q = %v", platform, err)
		}
	}
}
