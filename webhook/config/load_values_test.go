package config_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pullgate/pullgate/webhook/config"
	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/policy"
)

// Validate_test.go tests the values outside.
func TestLoadAcceptsValuesAtTheirBounds(t *testing.T) {
	t.Parallel()
	tests := map[string]string{
		"no delay":                      "retry: {initialDelay: 0s}",
		"a steady delay":                "retry: {factor: 1}",
		"no jitter":                     "retry: {jitter: 0}",
		"full jitter":                   "retry: {jitter: 1}",
		"a single attempt":              "retry: {maxAttempts: 1}",
		"the longest admission timeout": "timeouts: {admission: 30s}",
		"the shortest timeouts":         "timeouts: {admission: 1ns, request: 1ns, connect: 1ns}",
		"a request timeout of the admission timeout": "timeouts: {admission: 2s, request: 2s}",
		"a connect timeout of the request timeout":   "timeouts: {request: 2s, connect: 2s}",
		"no headroom":           "timeouts: {headroom: 0s}",
		"the largest headroom":  "timeouts: {headroom: 29s}",
		"a single use":          "limits: {usesPerObject: 1}",
		"the smallest manifest": "limits: {manifestBytes: 1}",
		"the largest manifest":  "limits: {manifestBytes: 9223372036854775807}",
	}
	for name, data := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := config.Load([]byte(data)); err != nil {
				t.Errorf("Load(%s) = %v, want no error", data, err)
			}
		})
	}
}

// TestActionsOfEveryReasonButDenyOfPullable tests every pair of reason and action. Only deny of a Pullable reason is invalid.
func TestActionsOfEveryReasonButDenyOfPullable(t *testing.T) {
	t.Parallel()
	for _, reason := range imagepull.Reasons() {
		for _, action := range policy.Actions() {
			got, err := config.Load(fmt.Appendf(nil, "actions: {%s: %s}", reason, action))
			if action == policy.ActionDeny && reason.Outcome() == imagepull.Pullable {
				if err == nil {
					t.Errorf("Load() of %s: %s = no error, want one", reason, action)
				}
				continue
			}
			if err != nil {
				t.Errorf("Load() of %s: %s = %v", reason, action, err)
			}
			want := map[imagepull.Reason]policy.Action{reason: action}
			if diff := cmp.Diff(want, got.Actions); err == nil && diff != "" {
				t.Errorf("actions differ (-want +got):\n%s", diff)
			}
		}
	}
}

func TestLoadAcceptsEveryMode(t *testing.T) {
	t.Parallel()
	for _, mode := range policy.Modes() {
		got, err := config.Load([]byte("defaultMode: " + string(mode)))
		if err != nil || got.DefaultMode != mode {
			t.Errorf("Load() of mode %q = %q, %v", mode, got.DefaultMode, err)
		}
	}
}

func TestLoadAcceptsEveryFormOfYAML(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		data string
		want func(*config.Configuration)
	}{
		"a list in lines": {
			data: "skipRegistries:\n- a.example\n- b.example\n",
			want: func(c *config.Configuration) { c.SkipRegistries = []string{"a.example", "b.example"} },
		},
		"a list replaces the default": {
			data: "nodes: {credentialedRegistries: [a.example]}",
			want: func(c *config.Configuration) { c.Nodes.CredentialedRegistries = []string{"a.example"} },
		},
		"a folded text": {
			data: "skipRegistries:\n- >-\n  a.example\n",
			want: func(c *config.Configuration) { c.SkipRegistries = []string{"a.example"} },
		},
		"an anchor and its alias": {
			data: "skipRegistries: &hosts [a.example]\negress: {insecureRegistries: *hosts}\n",
			want: func(c *config.Configuration) {
				c.SkipRegistries = []string{"a.example"}
				c.Egress.InsecureRegistries = []string{"a.example"}
			},
		},
		"a hexadecimal number": {
			data: "limits: {usesPerObject: 0x10}",
			want: func(c *config.Configuration) { c.Limits.UsesPerObject = 16 },
		},
		"a number in groups": {
			data: "limits: {manifestBytes: 4_000_000}",
			want: func(c *config.Configuration) { c.Limits.ManifestBytes = 4_000_000 },
		},
		"a large exact number": {
			data: "limits: {manifestBytes: 9007199254740993}",
			want: func(c *config.Configuration) { c.Limits.ManifestBytes = 9007199254740993 },
		},
		"a number with an exponent": {
			data: "retry: {factor: 1.5e1}",
			want: func(c *config.Configuration) { c.Retry.Factor = 15 },
		},
		"a truth value in words": {
			data: "nodes: {watch: no}",
			want: func(c *config.Configuration) { c.Nodes.Watch = false },
		},
		"a byte order mark": {
			data: "\ufeffdefaultMode: audit\n",
			want: func(c *config.Configuration) { c.DefaultMode = policy.ModeAudit },
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := config.Load([]byte(test.data))
			if err != nil {
				t.Fatalf("Load(%s) = %v", test.data, err)
			}
			want := config.Default()
			test.want(&want)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("Load(%s) differs (-want +got):\n%s", test.data, diff)
			}
		})
	}
}

// TestLoadRejectsExcessiveAliases loads a file whose aliases stand for gigabytes of text.
func TestLoadRejectsExcessiveAliases(t *testing.T) {
	t.Parallel()
	var file strings.Builder
	file.WriteString("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n")
	for i := 1; i <= 10; i++ {
		aliases := strings.Repeat(fmt.Sprintf("*a%d, ", i-1), 8)
		fmt.Fprintf(&file, "a%d: &a%d [%s]\n", i, i, strings.TrimSuffix(aliases, ", "))
	}
	if _, err := config.Load([]byte(file.String())); err == nil {
		t.Error("Load() = no error, want one")
	}
}
