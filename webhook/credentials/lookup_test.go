package credentials

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pullgate/pullgate/webhook/imagepull"
)

// TestLookupOrder covers the three keyrings: pull secrets, config.json of the nodes, providers.
func TestLookupOrder(t *testing.T) {
	t.Parallel()
	const hubKey = "https://index.docker.io/v1/"
	for name, test := range map[string]struct {
		pod, config, plugin []string
		repository          string
		want                []login
	}{
		"no credentials": {
			repository: "r.example/app", want: []login{{}},
		},
		"no match": {
			pod: []string{"q.example=pod"}, config: []string{"q.example=node"}, plugin: []string{"q.example=plugin"},
			repository: "r.example/app", want: []login{{}},
		},
		"pull secret only": {
			pod: []string{"r.example=pod"}, repository: "r.example/app", want: []login{{"pod", "secret/shop/regcred"}},
		},
		"config.json only": {
			config: []string{"r.example=node"}, repository: "r.example/app", want: []login{{"node", "node/config.json"}},
		},
		"provider only": {
			plugin: []string{"r.example=plugin"}, repository: "r.example/app", want: []login{{"plugin", "node/plugin/fake"}},
		},
		"all three in this order, even if a later key is longer": {
			pod: []string{"r.example=pod"}, config: []string{"r.example/app=node"}, plugin: []string{"r.example/app/web=plugin"},
			repository: "r.example/app/web",
			want:       []login{{"pod", "secret/shop/regcred"}, {"node", "node/config.json"}, {"plugin", "node/plugin/fake"}},
		},
		"longest key first within each keyring": {
			config: []string{"r.example=host", "r.example/app=path"}, plugin: []string{"r.example=host", "r.example/app=path"},
			repository: "r.example/app/web",
			want: []login{
				{"path", "node/config.json"}, {"host", "node/config.json"}, {"path", "node/plugin/fake"}, {"host", "node/plugin/fake"},
			},
		},
		"an empty entry of the config.json replaces the anonymous credential": {
			config: []string{"r.example="}, repository: "r.example/app", want: []login{{"", "node/config.json"}},
		},
		"the key of Docker Hub is the last choice in each keyring separately": {
			pod: []string{"docker.io=direct", hubKey + "=unused"}, config: []string{hubKey + "=node"}, plugin: []string{hubKey + "=plugin"},
			repository: "docker.io/library/nginx",
			want:       []login{{"direct", "secret/shop/regcred"}, {"node", "node/config.json"}, {"plugin", "node/plugin/fake"}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			set := Node{
				Source:       fakeSource{cached: Set{Keyring: podKeyring(test.pod...)}},
				DockerConfig: mustDockerConfigFile(t, dockerConfigJSON(test.config...)),
				Providers:    newFakeProvider(test.plugin...),
			}.Credentials(t.Context(), imagepull.Pod{})
			found, problems := lookup(set, test.repository)
			got := logins(found)
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("credentials (-want +got):\n%s", diff)
			}
			if len(problems) > 0 {
				t.Errorf("problems %v, want none", problems)
			}
			first, ok := set.First(test.repository)
			if needsProvider := got[0].Source == "" || got[0].Source == "node/plugin/fake"; ok == needsProvider {
				t.Errorf("First() ok = %t, want %t", ok, !needsProvider)
			}
			if ok && (login{first.Username, first.Source}) != got[0] {
				t.Errorf("First() = %v, want the credential of %v", first, got[0])
			}
		})
	}
}

func TestFirstOfAnEmptySetIsAnonymous(t *testing.T) {
	t.Parallel()
	if first, ok := (Set{}).First("r.example/app"); !ok || !first.IsAnonymous() {
		t.Errorf("First() = %v, %t; want the anonymous credential", first, ok)
	}
}

func TestLookupRunsProvidersLast(t *testing.T) {
	t.Parallel()
	provider := newFakeProvider("r.example=plugin")
	set := Set{Keyring: podKeyring("r.example=pod"), node: nodeSet{providers: provider}}
	for c := range set.Lookup(t.Context(), "r.example/app") {
		if c.Username == "pod" {
			break
		}
	}
	if len(provider.requests) > 0 {
		t.Errorf("requests %q although the caller stopped at a pull secret, want none", provider.requests)
	}
	lookup(set, "r.example/app")
	if diff := cmp.Diff([]string{"r.example/app"}, provider.requests); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
}

func TestLookupYieldsProblemsAfterTheCredentials(t *testing.T) {
	t.Parallel()
	config := Problem{Subject: "the nodes' config.json", Detail: "it cannot be read"}
	failure := Problem{Subject: `credential provider "failing"`, Detail: "it failed"}
	provider := &fakeProvider{provide: func(repository string) (Keyring, []Problem) {
		if repository == "r.example/app" {
			return Keyring{}, []Problem{failure}
		}
		return Keyring{}, nil
	}}
	set := Set{node: nodeSet{problems: []Problem{config}, providers: provider}}
	for repository, want := range map[string][]Problem{
		"r.example/app": {{}, config, failure},
		"q.example/app": {{}, config},
	} {
		var got []Problem
		for c, problem := range set.Lookup(t.Context(), repository) {
			if (c != imagepull.Credential{}) {
				t.Errorf("%s: got the credential of %v, want the anonymous one", repository, c)
			}
			got = append(got, problem)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: problems, the first without one (-want +got):\n%s", repository, diff)
		}
	}
}

func TestLookupStopsWhereTheCallerStops(t *testing.T) {
	t.Parallel()
	problems := []Problem{{Subject: "one"}, {Subject: "two"}}
	keyring := newKeyring(PluginSource("fake"), "r.example=three", "r.example=four")
	provider := &fakeProvider{provide: func(string) (Keyring, []Problem) { return keyring, problems }}
	set := Set{Keyring: podKeyring("r.example=one", "r.example=two"), node: nodeSet{providers: provider}}
	for limit := range 6 {
		got := 0
		for range set.Lookup(t.Context(), "r.example/app") {
			if got == limit {
				break
			}
			got++
		}
		if got != limit {
			t.Errorf("%d pairs before the break, want %d", got, limit)
		}
	}
}

func TestWithHalfDeadline(t *testing.T) {
	t.Parallel()
	whole, cancel := context.WithTimeout(t.Context(), 2*time.Hour)
	defer cancel()
	half, cancel := withHalfDeadline(whole)
	defer cancel()
	end, limited := half.Deadline()
	if left := time.Until(end); !limited || left > time.Hour || left < time.Hour/2 {
		t.Errorf("%v left of two hours, want one", left)
	}
	unlimited, cancel := withHalfDeadline(context.Background())
	defer cancel()
	if _, limited := unlimited.Deadline(); limited {
		t.Error("got a deadline, want none")
	}
}

func BenchmarkLookup(b *testing.B) {
	entries := []string{"registry.example=alice"}
	for i := range 20 {
		entries = append(entries, fmt.Sprintf("registry-%d.example=bob", i))
	}
	set := Set{Keyring: podKeyring(entries...)}
	b.ReportAllocs()
	for b.Loop() {
		for c := range set.Lookup(b.Context(), "registry.example/shop/web") {
			if c.Username != "alice" {
				b.Fatalf("got %s, want alice", c.Username)
			}
		}
	}
}

// deadlineProvider records the deadline of its last call.
type deadlineProvider struct{ deadline time.Time }

func (p *deadlineProvider) Provide(ctx context.Context, _ string) (Keyring, []Problem) {
	p.deadline, _ = ctx.Deadline()
	return Keyring{}, nil
}

func TestLookupGivesProvidersHalfOfTheTime(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
	defer cancel()
	end, _ := ctx.Deadline()
	provider := &deadlineProvider{}
	set := Node{Source: fakeSource{}, Providers: provider}.Credentials(ctx, imagepull.Pod{})
	for range set.Lookup(ctx, "r.example/app") {
	}
	if left := end.Sub(provider.deadline); left < 29*time.Minute || left > 31*time.Minute {
		t.Errorf("the deadline of providers leaves %s of an hour, want half", left)
	}
}
