package config_test

import (
	"strings"
	"testing"

	"github.com/pullgate/pullgate/webhook/config"
	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/policy"
)

// placeholderForm is the message about a pattern that is not a placeholder.
const placeholderForm = `must be an image such as "IMAGE" or "$(*)", where * stands for any characters`

func TestLoadRejectsInvalidValues(t *testing.T) {
	t.Parallel()
	testInvalid(t, map[string]invalidFile{
		"another version": {
			data: "apiVersion: pullgate.dev/v1",
			want: `line 1: apiVersion: Unsupported value: "pullgate.dev/v1": supported values: "pullgate.dev/v1alpha1"`,
		},
		"another kind": {
			data: "kind: Config",
			want: `line 1: kind: Unsupported value: "Config": supported values: "Configuration"`,
		},
		"an unknown mode": {
			data: "defaultMode: strict",
			want: `line 1: defaultMode: Unsupported value: "strict": supported values: "enforce", "warn", "audit", "off"`,
		},
		"an unknown action": {
			data: "actions: {NotFound: ignore}",
			want: `line 1: actions[NotFound]: Unsupported value: "ignore": supported values: "deny", "warn", "allow"`,
		},
		"a denial of pullable images": {
			data: "actions: {NotChecked: deny}",
			want: `line 1: actions[NotChecked]: Invalid value: "deny": nodes can pull such images: use warn or allow`,
		},
		"empty names of exemptions": {
			data: `exemptions: {usernames: ["", ops], groups: [" "]}`,
			want: `line 1: exemptions.usernames[0]: Invalid value: "": must not be empty` + "\n" +
				`line 1: exemptions.groups[0]: Invalid value: " ": must not be empty`,
		},
		"a selector with an unknown operator": {
			data: "exemptions: {podSelector: a~b}",
			want: `line 1: exemptions.podSelector: Invalid value: "a~b": must be a label selector such as "pullgate.dev/exempt=true"`,
		},
		"a delay below zero": {
			data: "retry: {initialDelay: -1ms}",
			want: `line 1: retry.initialDelay: Invalid value: "-1ms": must be at least 0s`,
		},
		"a shrinking delay": {
			data: "retry: {factor: 0.5}",
			want: "line 1: retry.factor: Invalid value: 0.5: must be at least 1",
		},
		"jitter below zero": {
			data: "retry: {jitter: -0.1}",
			want: "line 1: retry.jitter: Invalid value: -0.1: must be at least 0",
		},
		"jitter above one": {
			data: "retry: {jitter: 1.1}",
			want: "line 1: retry.jitter: Invalid value: 1.1: must be at most 1",
		},
		"no attempts": {
			data: "retry: {maxAttempts: 0}",
			want: "line 1: retry.maxAttempts: Invalid value: 0: must be at least 1",
		},
		"timeouts of zero": {
			data: "timeouts: {admission: 0s, request: 0s, connect: 0s}",
			want: "line 1: timeouts.admission: Invalid value: \"0s\": must be more than 0s\n" +
				"line 1: timeouts.request: Invalid value: \"0s\": must be more than 0s\n" +
				"line 1: timeouts.connect: Invalid value: \"0s\": must be more than 0s",
		},
		"an admission timeout longer than the API server allows": {
			data: "timeouts: {admission: 31s}",
			want: `line 1: timeouts.admission: Invalid value: "31s": must be at most 30s`,
		},
		"a request timeout longer than the admission timeout": {
			data: "timeouts: {request: 9s}",
			want: `line 1: timeouts.request: Invalid value: "9s": must be at most timeouts.admission, which is 8s`,
		},
		"a connect timeout longer than the request timeout": {
			data: "timeouts: {connect: 3s}",
			want: `line 1: timeouts.connect: Invalid value: "3s": must be at most timeouts.request, which is 2.5s`,
		},
		"headroom below zero": {
			data: "timeouts: {headroom: -1s}",
			want: `line 1: timeouts.headroom: Invalid value: "-1s": must be at least 0s`,
		},
		"headroom of the longest timeout": {
			data: "timeouts: {headroom: 30s}",
			want: `line 1: timeouts.headroom: Invalid value: "30s": must be at most 29s`,
		},
		"no backoff delay": {
			data: "backoff: {initialDelay: 0s}",
			want: `line 1: backoff.initialDelay: Invalid value: "0s": must be more than 0s`,
		},
		"a first backoff delay longer than the last": {
			data: "backoff: {initialDelay: 6m}",
			want: `line 1: backoff.initialDelay: Invalid value: "6m0s": must be at most backoff.maxDelay, which is 30s`,
		},
		"a backoff delay of a day": {
			data: "backoff: {maxDelay: 24h}",
			want: `line 1: backoff.maxDelay: Invalid value: "24h0m0s": must be at most 1h0m0s`,
		},
		"a shrinking backoff delay": {
			data: "backoff: {factor: 0.5}",
			want: "line 1: backoff.factor: Invalid value: 0.5: must be at least 1",
		},
		"a cache without entries": {
			data: "cache: {maxEntries: 0}",
			want: "line 1: cache.maxEntries: Invalid value: 0: must be at least 1",
		},
		"TTLs below zero": {
			data: "cache: {tagTTL: -1s, digestTTL: -1s, notFoundTTL: -1s, deniedTTL: -1s}",
			want: `line 1: cache.tagTTL: Invalid value: "-1s": must be at least 0s` + "\n" +
				`line 1: cache.digestTTL: Invalid value: "-1s": must be at least 0s` + "\n" +
				`line 1: cache.notFoundTTL: Invalid value: "-1s": must be at least 0s` + "\n" +
				`line 1: cache.deniedTTL: Invalid value: "-1s": must be at least 0s`,
		},
		"denials from a cache that are too old": {
			data: "cache: {notFoundTTL: 1001ms, deniedTTL: 2001ms}",
			want: `line 1: cache.notFoundTTL: Invalid value: "1.001s": must be at most 1s` + "\n" +
				`line 1: cache.deniedTTL: Invalid value: "2.001s": must be at most 2s`,
		},
		"no lookups": {
			data: "limits: {perRegistry: 0, total: 0}",
			want: "line 1: limits.perRegistry: Invalid value: 0: must be at least 1\nline 1: limits.total: Invalid value: 0: must be at least 1",
		},
		"no uses": {
			data: "limits: {usesPerObject: 0}",
			want: "line 1: limits.usesPerObject: Invalid value: 0: must be at least 1",
		},
		"a manifest limit of zero": {
			data: "limits: {manifestBytes: 0}",
			want: "line 1: limits.manifestBytes: Invalid value: 0: must be at least 1",
		},
		"another runtime": {
			data: "nodes: {runtime: docker}",
			want: `line 1: nodes.runtime: Unsupported value: "docker": supported values: "containerd", "cri-o"`,
		},
		"containerd's files for another runtime": {
			data: "nodes: {runtime: cri-o, hostsDir: /etc/containerd/certs.d}",
			want: "line 1: nodes.hostsDir: Forbidden: CRI-O does not read hosts.toml files: remove the key, or correct runtime",
		},
		"local pulls with CRI-O": {
			data: "nodes: {runtime: cri-o, localImagePull: true}",
			want: "line 1: nodes.localImagePull: Forbidden: is a setting of containerd: remove the key, or correct runtime",
		},
		"deep with CRI-O": {
			data: "deep: true\nnodes: {runtime: cri-o}",
			want: "line 1: deep: Forbidden: works for containerd only: remove the key, or correct nodes.runtime",
		},
		"a list of directories with hosts": {
			data: `nodes: {hostsDir: "/etc/containerd/certs.d:/etc/docker/certs.d"}`,
			want: `line 1: nodes.hostsDir: Invalid value: "/etc/containerd/certs.d:/etc/docker/certs.d": ` +
				"must be one directory: nodes whose config_path is a list ignore it",
		},
		"a provider configuration without its directory": {
			data: "nodes: {credentialProvider: {config: /c}}",
			want: "line 1: nodes.credentialProvider.binDir: Required value: must be set together with config",
		},
		"a provider directory without its configuration": {
			data: "nodes: {credentialProvider: {binDir: /b}}",
			want: "line 1: nodes.credentialProvider.config: Required value: must be set together with binDir",
		},
		"a number of images below -1": {
			data: "nodes: {maxReportedImages: -2}",
			want: "line 1: nodes.maxReportedImages: Invalid value: -2: must be at least -1",
		},
		"an unknown verification policy": {
			data: "nodes: {verifyImages: Always}",
			want: `line 1: nodes.verifyImages: Unsupported value: "Always": supported values: ` +
				`"NeverVerify", "NeverVerifyPreloadedImages", "NeverVerifyAllowlistedImages", "AlwaysVerify"`,
		},
		"placeholders that match every image": {
			data: `placeholders: [IMAGE, "", "*", " ** "]`,
			want: `line 1: placeholders[1]: Invalid value: "": ` + placeholderForm + "\n" +
				`line 1: placeholders[2]: Invalid value: "*": ` + placeholderForm + "\n" +
				`line 1: placeholders[3]: Invalid value: " ** ": ` + placeholderForm,
		},
		"an unknown network access": {
			data: "egress: {privateNetworks: warn}",
			want: `line 1: egress.privateNetworks: Unsupported value: "warn": supported values: "allow", "deny"`,
		},
		"several invalid values, in the order of their lines": {
			data: "defaultMode: strict\nretry: {factor: 0, jitter: 2}\nbackoff: {factor: 0}\n",
			want: `line 1: defaultMode: Unsupported value: "strict": supported values: "enforce", "warn", "audit", "off"` + "\n" +
				"line 2: retry.factor: Invalid value: 0: must be at least 1\n" +
				"line 2: retry.jitter: Invalid value: 2: must be at most 1\n" +
				"line 3: backoff.factor: Invalid value: 0: must be at least 1",
		},
	})
}

// Operators may raise Indeterminate reasons to a denial, but not an image that nodes can pull.
func TestEveryReasonHasTheActionsOfItsOutcome(t *testing.T) {
	t.Parallel()
	for _, reason := range imagepull.Reasons() {
		for _, action := range policy.Actions() {
			_, err := config.Load([]byte("actions: {" + string(reason) + ": " + string(action) + "}"))
			valid := action != policy.ActionDeny || reason.Outcome() != imagepull.Pullable
			if (err == nil) != valid {
				t.Errorf("Load() of %s: %s = %v, want an error: %t", reason, action, err, !valid)
			}
		}
	}
}

// TestExemptionsHaveNamesOfTheAPI compares the start of the errors only: apimachinery owns the rest.
func TestExemptionsHaveNamesOfTheAPI(t *testing.T) {
	t.Parallel()
	for key, value := range map[string]string{"namespaces": "team-*", "runtimeClasses": "Kata"} {
		_, err := config.Load([]byte("exemptions: {" + key + ": [ok, '" + value + "']}"))
		if want := "line 1: exemptions." + key + `[1]: Invalid value: "` + value + `": `; err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("Load() of %s = %v, want an error with %s", key, err, want)
		}
	}
}

func TestAnEmptyPodSelectorExemptsNone(t *testing.T) {
	t.Parallel()
	c, err := config.Load([]byte("exemptions: {podSelector: ''}"))
	if err != nil {
		t.Fatal(err)
	}
	if by := c.Exemptions.Rules().ExemptedBy(policy.Subject{PodLabels: map[string]string{"a": "b"}}); by != "" {
		t.Errorf("a pod is exempted by %s, want none", by)
	}
	c.Exemptions.PodSelector = "a=b"
	if by := c.Exemptions.Rules().ExemptedBy(policy.Subject{PodLabels: map[string]string{"a": "b"}}); by != policy.ExemptPodLabels {
		t.Errorf("a pod with the label is exempted by %q", by)
	}
}

// TestLoadRejectsUnknownReasons compares the start of the error only: package imagepull owns the list of reasons.
func TestLoadRejectsUnknownReasons(t *testing.T) {
	t.Parallel()
	_, err := config.Load([]byte("actions: {Notfound: deny}"))
	if err == nil {
		t.Fatal("Load() = no error, want one")
	}
	start := `line 1: actions[Notfound]: Unsupported value: "Notfound": supported values: "`
	if !strings.HasPrefix(err.Error(), start) || !strings.Contains(err.Error(), `"NotFound"`) {
		t.Errorf("error = %v, want it to begin with %s and to list NotFound", err, start)
	}
}

func TestLoadRejectsInvalidPlatforms(t *testing.T) {
	t.Parallel()
	const form = `must be os/architecture[/variant], such as "linux/amd64" or "linux/arm64/v8"`
	const architectures = "must have one of the architectures 386, amd64, arm, arm64, loong64, mips64le, ppc64le, riscv64, s390x"
	tests := map[string]string{
		"":               form,
		"amd64":          form,
		"linux/arm/v7/x": form,
		"darwin/arm64":   "must have one of the operating systems linux, windows",
		"linux/amd46":    architectures,
		"linux/x86_64":   architectures,
		"linux/arm64/8":  `must have a variant such as "v7", or none`,
		"linux/arm64/":   `must have a variant such as "v7", or none`,
	}
	invalid := map[string]invalidFile{}
	for platform, detail := range tests {
		invalid["platform "+platform] = invalidFile{
			`nodes: {platforms: [linux/amd64, "` + platform + `"]}`,
			`line 1: nodes.platforms[1]: Invalid value: "` + platform + `": ` + detail,
		}
	}
	testInvalid(t, invalid)
}

func TestLoadAcceptsPlatforms(t *testing.T) {
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
