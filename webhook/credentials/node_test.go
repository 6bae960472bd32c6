package credentials

import (
	"testing"

	"github.com/pullgate/pullgate/webhook/imagepull"
)

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

func TestNodeWithoutCredentialsAddsNothing(t *testing.T) {
	t.Parallel()
	node := Node{Source: fakeSource{
		cached: Set{Missing: []string{"regcred"}, FromCache: true}, fresh: Set{Missing: []string{"other"}},
	}}
	set := node.Credentials(t.Context(), imagepull.Pod{})
	if want := (Set{Missing: []string{"regcred"}}); !set.Equal(want) || !set.FromCache {
		t.Errorf("Credentials() = %v, want the pod's set", set)
	}
	set = node.FreshCredentials(t.Context(), imagepull.Pod{})
	if want := (Set{Missing: []string{"other"}}); !set.Equal(want) || set.FromCache {
		t.Errorf("FreshCredentials() = %v, want the pod's fresh set", set)
	}
}
