package config_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"github.com/pullgate/pullgate/webhook/config"
	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/policy"
)

func TestMarshalledDefaultLoadsAsTheDefault(t *testing.T) {
	t.Parallel()
	printed, err := yaml.Marshal(config.Default())
	if err != nil {
		t.Fatalf("marshalling: %v", err)
	}
	got, err := config.Load(printed)
	if err != nil {
		t.Fatalf("Load() = %v", err)
	}
	if diff := cmp.Diff(config.Default(), got); diff != "" {
		t.Errorf("Load() differs from Default() (-default +loaded):\n%s", diff)
	}
}

func TestDefaultReturnsNewListsAndMaps(t *testing.T) {
	t.Parallel()
	changed := config.Default()
	changed.Actions[imagepull.ReasonNotFound] = policy.ActionAllow
	changed.Nodes.CredentialedRegistries[0] = "*"
	if diff := cmp.Diff(changed, config.Default()); diff == "" {
		t.Error("Default() shares its lists and maps, want new ones for each caller")
	}
}

func TestLoadSetsEveryKey(t *testing.T) {
	t.Parallel()
	got, err := config.Load(read(t, "custom.yaml"))
	if err != nil {
		t.Fatalf("Load() = %v", err)
	}
	want := config.Default()
	want.DefaultMode = policy.ModeEnforce
	want.Actions = map[imagepull.Reason]policy.Action{
		imagepull.ReasonAccessDenied: policy.ActionWarn,
		imagepull.ReasonNodeCache:    policy.ActionDeny,
		imagepull.ReasonNotChecked:   policy.ActionWarn,
		imagepull.ReasonRateLimited:  policy.ActionAllow,
	}
	want.Exemptions = config.Exemptions{
		Usernames:      []string{"system:serviceaccount:ci:deployer"},
		Groups:         []string{"oncall"},
		Namespaces:     []string{"sandbox"},
		RuntimeClasses: []string{"kata"},
		PodSelector:    "pullgate.dev/exempt=true",
	}
	want.Retry = config.Retry{Factor: 1.5, MaxAttempts: 1}
	want.Timeouts = config.Timeouts{
		Admission: 20 * time.Second,
		Request:   5 * time.Second,
		Connect:   500 * time.Millisecond,
	}
	want.Backoff = config.Backoff{
		InitialDelay: 5 * time.Second,
		Factor:       3,
		MaxDelay:     time.Minute,
	}
	want.Cache = config.Cache{
		MaxEntries:  500,
		DigestTTL:   time.Hour,
		NotFoundTTL: 500 * time.Millisecond,
		DeniedTTL:   time.Second,
	}
	want.Limits = config.Limits{PerRegistry: 4, Total: 32, UsesPerObject: 10, ManifestBytes: 1 << 20}
	want.Nodes.HostsDir = "/etc/pullgate/certs.d"
	want.Nodes.DockerConfig = "/nodes/config.json"
	want.Nodes.CredentialProvider = config.CredentialProvider{Config: "/nodes/providers.yaml", BinDir: "/nodes/bin"}
	want.Nodes.CredentialedRegistries = []string{}
	want.Nodes.Platforms = []string{"linux/amd64", "linux/arm64/v8", "windows/amd64"}
	want.Nodes.Watch = false
	want.Nodes.MaxReportedImages = -1
	want.Nodes.VerifyImages = imagepull.AlwaysVerify
	want.Egress = config.Egress{
		Allow:              []string{"*.registry.example:5000", "192.0.2.0/24", "2001:db8::/32"},
		Deny:               []string{"192.0.2.7", "[2001:db8::7]:443"},
		PrivateNetworks:    config.NetworkDeny,
		InsecureRegistries: []string{"registry.lan:5000"},
		TokenServices:      []config.TokenService{{Registry: "*.registry.example", Host: "auth.example.net:8443"}},
	}
	want.SkipRegistries = []string{"localhost"}
	want.Placeholders = []string{"IMAGE", "$(*)"}
	want.Deep = true
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Load() differs (-want +got):\n%s", diff)
	}
}

func TestLoadKeepsDefaults(t *testing.T) {
	t.Parallel()
	tests := map[string]string{
		"an empty file":                 "",
		"comments only":                 "# comment\n",
		"a marker only":                 "---\n",
		"a comment before the marker":   "# comment\n---\ndefaultMode: warn\n",
		"a directive before the marker": "%YAML 1.1\n---\ndefaultMode: warn\n",
		"a marker at the end":           "defaultMode: warn\n---\n# comment\n",
		"the end of the document":       "defaultMode: warn\n...\n",
		"Windows line ends":             "---\r\ndefaultMode: warn\r\n...\r\n",
		"JSON":                          `{"defaultMode": "warn", "retry": {"maxAttempts": 2}}`,
		"keys without a value":          "actions:\nnodes:\n  platforms:\n  credentialedRegistries:\n",
		"part of a section":             "retry: {factor: 2}\n",
		"a whole number for a fraction": "retry: {factor: 2.0}\n",
		"a last marker with a comment":  "---\nactions: {}\n--- # the end\n",
	}
	for name, data := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := config.Load([]byte(data))
			if err != nil {
				t.Fatalf("Load() = %v", err)
			}
			if diff := cmp.Diff(config.Default(), got); diff != "" {
				t.Errorf("Load() differs from Default() (-default +loaded):\n%s", diff)
			}
		})
	}
}

// In YAML 1.1 an unquoted off is a truth value.
func TestLoadAcceptsModeOff(t *testing.T) {
	t.Parallel()
	for _, data := range []string{"defaultMode: off", `defaultMode: "off"`} {
		got, err := config.Load([]byte(data))
		if err != nil || got.DefaultMode != policy.ModeOff {
			t.Errorf("Load(%s) = mode %q, %v, want %q", data, got.DefaultMode, err, policy.ModeOff)
		}
	}
}

func TestLoadReturnsNoConfigurationWithAnError(t *testing.T) {
	t.Parallel()
	for _, data := range []string{"a: [", "retry: 5", "retry: {factor: 0}"} {
		got, err := config.Load([]byte(data))
		if err == nil {
			t.Errorf("Load(%s) = no error, want one", data)
		}
		if diff := cmp.Diff(config.Configuration{}, got); diff != "" {
			t.Errorf("Load(%s) returned part of a configuration (-want +got):\n%s", data, diff)
		}
	}
}

func TestValidateFindsInvalidChanges(t *testing.T) {
	t.Parallel()
	c := config.Default()
	if err := c.Validate(); err != nil {
		t.Fatalf("Default().Validate() = %v", err)
	}
	c.Nodes.Platforms = []string{"linux/amd46"}
	if err := c.Validate(); err == nil || !strings.Contains(err.Error(), "nodes.platforms[0]") {
		t.Errorf("Validate() = %v, want the path of the platform", err)
	}
}
