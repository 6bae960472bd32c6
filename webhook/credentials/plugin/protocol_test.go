package plugin

import (
	"errors"
	"maps"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pullgate/pullgate/webhook/credentials"
)

func TestNewRequest(t *testing.T) {
	t.Parallel()
	got, err := newRequest(requestV1, "r.example/team/app")
	if err != nil {
		t.Fatalf("newRequest() error = %v, want none", err)
	}
	want := `{"kind":"CredentialProviderRequest","apiVersion":"credentialprovider.kubelet.k8s.io/v1","image":"r.example/team/app"}` + "\n"
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("request (-want +got):\n%s", diff)
	}
}

func TestParseResponse(t *testing.T) {
	t.Parallel()
	const header = `"kind": "CredentialProviderResponse", "apiVersion": "` + requestV1 + `"`
	for name, test := range map[string]struct {
		output string
		want   error
	}{
		"all fields":            {`{` + header + `, "cacheKeyType": "Image", "cacheDuration": "1h", "auth": {"r": {"username": "a", "password": "b"}}}`, nil},
		"no auth":               {`{` + header + `, "cacheKeyType": "Image"}`, nil},
		"null for auth":         {`{` + header + `, "cacheKeyType": "Image", "auth": null, "cacheDuration": null}`, nil},
		"empty":                 {``, errResponseFormat},
		"YAML":                  {"kind: CredentialProviderResponse\n", errResponseFormat},
		"list":                  {`[]`, errResponseFormat},
		"data after the object": {`{` + header + `} {}`, errResponseFormat},
		"unknown field":         {`{` + header + `, "auths": {}}`, errResponseFormat},
		"field in another case": {`{` + header + `, "CacheKeyType": "Image"}`, errResponseFormat},
		"repeated field":        {`{` + header + `, "cacheKeyType": "Image", "cacheKeyType": "Image"}`, errResponseFormat},
		"identity token":        {`{` + header + `, "auth": {"r": {"identitytoken": "x"}}}`, errResponseFormat},
		"duration is a number":  {`{` + header + `, "cacheDuration": 5}`, errResponseFormat},
		"invalid duration":      {`{` + header + `, "cacheDuration": "5"}`, errResponseFormat},
		"another kind":          {`{"kind": "CredentialProviderRequest", "apiVersion": "` + requestV1 + `"}`, errResponseFormat},
		"another version":       {`{"kind": "CredentialProviderResponse", "apiVersion": "v1"}`, errResponseVersion},
		"no version":            {`{"kind": "CredentialProviderResponse"}`, errResponseVersion},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := parseResponse([]byte(test.output), requestV1); !errors.Is(err, test.want) {
				t.Errorf("parseResponse() error = %v, want %v", err, test.want)
			}
		})
	}
}

func TestResponseDockerConfig(t *testing.T) {
	t.Parallel()
	r, err := parseResponse([]byte(responseJSON(perImage+`, "cacheDuration": "90s"`, "r.example=alice", "*.q.example=bob")), requestV1)
	if err != nil {
		t.Fatalf("parseResponse() error = %v, want none", err)
	}
	want := credentials.DockerConfig{
		"*.q.example": {Username: "bob", Password: password, Source: "node/plugin/fake"},
		"r.example":   {Username: "alice", Password: password, Source: "node/plugin/fake"},
	}
	if got := r.dockerConfig("node/plugin/fake"); !maps.Equal(want, got) || r.CacheDuration.Duration != 90*time.Second {
		t.Errorf("duration %v, docker config %v, want 90s and %v", r.CacheDuration, got, want)
	}
}

func TestCacheKey(t *testing.T) {
	t.Parallel()
	for cacheKeyType, want := range map[string]string{
		"Image": "r.example:5000/team/app", "Registry": "r.example:5000", "Global": "<global>", "": "", "image": "",
	} {
		got, err := response{CacheKeyType: cacheKeyType}.cacheKey("r.example:5000/team/app")
		if got != want || (want == "") != errors.Is(err, errCacheKeyType) {
			t.Errorf("cacheKey() for %q = %q, %v, want %q", cacheKeyType, got, err, want)
		}
	}
}
