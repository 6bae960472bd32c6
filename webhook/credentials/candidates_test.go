package credentials

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pullgate/pullgate/webhook/imagepull"
)

// TestCandidates goes through the three rings: the pod's, that of the nodes' config.json, that of the providers.
func TestCandidates(t *testing.T) {
	t.Parallel()
	const hubKey = "https://index.docker.io/v1/"
	for name, test := range map[string]struct {
		pod, config, plugin []string
		repository          string
		want                []shown
	}{
		"nothing anywhere": {
			repository: "r.example/app", want: []shown{{}},
		},
		"nothing fits": {
			pod: []string{"q.example=pod"}, config: []string{"q.example=node"}, plugin: []string{"q.example=plugin"},
			repository: "r.example/app", want: []shown{{}},
		},
		"the pod's alone": {
			pod: []string{"r.example=pod"}, repository: "r.example/app", want: []shown{{"pod", "secret/shop/regcred"}},
		},
		"the config.json alone": {
			config: []string{"r.example=node"}, repository: "r.example/app", want: []shown{{"node", "node/config.json"}},
		},
		"a provider's alone": {
			plugin: []string{"r.example=plugin"}, repository: "r.example/app", want: []shown{{"plugin", "node/plugin/fake"}},
		},
		"all three, in this order even where a later key is longer": {
			pod: []string{"r.example=pod"}, config: []string{"r.example/app=node"}, plugin: []string{"r.example/app/web=plugin"},
			repository: "r.example/app/web",
			want:       []shown{{"pod", "secret/shop/regcred"}, {"node", "node/config.json"}, {"plugin", "node/plugin/fake"}},
		},
		"within each ring the longest key first": {
			config: []string{"r.example=host", "r.example/app=path"}, plugin: []string{"r.example=host", "r.example/app=path"},
			repository: "r.example/app/web",
			want: []shown{
				{"path", "node/config.json"}, {"host", "node/config.json"}, {"path", "node/plugin/fake"}, {"host", "node/plugin/fake"},
			},
		},
		"an empty entry of the config.json keeps from asking anonymously": {
			config: []string{"r.example="}, repository: "r.example/app", want: []shown{{"", "node/config.json"}},
		},
		"Docker Hub's key is a last resort in each ring by itself": {
			pod: []string{"docker.io=direct", hubKey + "=unused"}, config: []string{hubKey + "=node"}, plugin: []string{hubKey + "=plugin"},
			repository: "docker.io/library/nginx",
			want:       []shown{{"direct", "secret/shop/regcred"}, {"node", "node/config.json"}, {"plugin", "node/plugin/fake"}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			program := &fakeProgram{name: "fake", match: []string{"r.example", "docker.io"}, answer: always(answerOf(perImage, test.plugin...))}
			node := Node{Pods: podSet{Keyring: keyring(test.pod...)}, Config: mustConfig(t, config(test.config...)), Providers: newFakeNode(t, program).providers}
			set := node.Credentials(t.Context(), shopPod(), false)
			lookup := set.Lookup(test.repository)
			var got []shown
			for c := range lookup.All(t.Context()) {
				got = append(got, shown{c.Username, c.Source})
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("candidates (-want +got):\n%s", diff)
			}
			if got := lookup.Unknown(); len(got) > 0 {
				t.Errorf("Unknown() = %v, want nothing", got)
			}
			first, known := set.First(test.repository)
			if asking := got[0].Source == "" || got[0].Source == "node/plugin/fake"; known == asking {
				t.Errorf("First() is known: %t, want %t", known, !asking)
			}
			if known && (shown{first.Username, first.Source}) != got[0] {
				t.Errorf("First() is that of %v, want %v", first, got[0])
			}
		})
	}
}

func TestFirstOfNothing(t *testing.T) {
	t.Parallel()
	if first, known := (Set{}).First("r.example/app"); !known || !first.IsAnonymous() {
		t.Errorf("First() = %v, %t; want the anonymous credential", first, known)
	}
}

func TestCandidatesAskProvidersLast(t *testing.T) {
	t.Parallel()
	program := &fakeProgram{name: "fake", match: []string{"r.example"}, answer: always(answerOf(perImage, "r.example=plugin"))}
	set := Set{Keyring: keyring("r.example=pod")}
	set.node.providers = newFakeNode(t, program).providers
	for c := range set.Lookup("r.example/app").All(t.Context()) {
		if c.Username == "pod" {
			break
		}
	}
	if got := program.questions(); got != "" {
		t.Errorf("the provider was asked for %q though a secret was good enough", got)
	}
	candidates(set, "r.example/app")
	if got := program.questions(); got != "r.example/app" {
		t.Errorf("the provider was asked for %q, want r.example/app", got)
	}
}

func TestCandidatesUnknown(t *testing.T) {
	t.Parallel()
	failing := &fakeProgram{name: "failing", match: []string{"r.example"}, answer: always("no JSON")}
	config := Problem{Subject: "the nodes' config.json", Detail: "it can't be read"}
	set := Set{node: nodeSet{unknown: []Problem{config}, providers: newFakeNode(t, failing).providers}}
	for repository, want := range map[string][]Problem{
		"r.example/app": {config, {`credential provider "failing"`, "it failed"}},
		"q.example/app": {config},
	} {
		lookup := set.Lookup(repository)
		for c := range lookup.All(t.Context()) {
			if (c != imagepull.Credential{}) {
				t.Errorf("%s: got the credential of %v, want the anonymous one", repository, c)
			}
		}
		if diff := cmp.Diff(want, lookup.Unknown()); diff != "" {
			t.Errorf("%s: Unknown() (-want +got):\n%s", repository, diff)
		}
	}
}

func TestHalfOf(t *testing.T) {
	t.Parallel()
	whole, cancel := context.WithTimeout(t.Context(), 2*time.Hour)
	defer cancel()
	half, cancel := halfOf(whole)
	defer cancel()
	end, limited := half.Deadline()
	if left := time.Until(end); !limited || left > time.Hour || left < time.Hour/2 {
		t.Errorf("%v are left of two hours, want one", left)
	}
	unlimited, cancel := halfOf(context.Background())
	defer cancel()
	if _, limited := unlimited.Deadline(); limited {
		t.Error("half of no limit is a limit")
	}
}

func TestIsOfNode(t *testing.T) {
	t.Parallel()
	for source, want := range map[string]bool{
		"node/config.json": true, "node/plugin/ecr": true, "secret/node/regcred": false, "file/config.json": false, "": false,
	} {
		if got := IsOfNode(source); got != want {
			t.Errorf("IsOfNode(%q) = %t, want %t", source, got, want)
		}
	}
}
