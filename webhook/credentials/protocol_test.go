package credentials

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
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
		"all fields":              {`{` + header + `, "cacheKeyType": "Image", "cacheDuration": "1h", "auth": {"r": {"username": "a", "password": "b"}}}`, nil},
		"no auth":                 {`{` + header + `, "cacheKeyType": "Image"}`, nil},
		"null for auth":           {`{` + header + `, "cacheKeyType": "Image", "auth": null, "cacheDuration": null}`, nil},
		"nothing":                 {``, errAnswerFormat},
		"YAML":                    {"kind: CredentialProviderResponse\n", errAnswerFormat},
		"a list":                  {`[]`, errAnswerFormat},
		"more after it":           {`{` + header + `} {}`, errAnswerFormat},
		"an unknown field":        {`{` + header + `, "auths": {}}`, errAnswerFormat},
		"a field in another case": {`{` + header + `, "CacheKeyType": "Image"}`, errAnswerFormat},
		"a repeated field":        {`{` + header + `, "cacheKeyType": "Image", "cacheKeyType": "Image"}`, errAnswerFormat},
		"an identity token":       {`{` + header + `, "auth": {"r": {"identitytoken": "x"}}}`, errAnswerFormat},
		"a duration as a number":  {`{` + header + `, "cacheDuration": 5}`, errAnswerFormat},
		"a duration that is none": {`{` + header + `, "cacheDuration": "5"}`, errAnswerFormat},
		"another kind":            {`{"kind": "CredentialProviderRequest", "apiVersion": "` + requestV1 + `"}`, errAnswerFormat},
		"another version":         {`{"kind": "CredentialProviderResponse", "apiVersion": "v1"}`, errAnswerVersion},
		"no version":              {`{"kind": "CredentialProviderResponse"}`, errAnswerVersion},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := parseResponse([]byte(test.output), requestV1); !errors.Is(err, test.want) {
				t.Errorf("parseResponse() error = %v, want %v", err, test.want)
			}
		})
	}
}

func TestResponseEntries(t *testing.T) {
	t.Parallel()
	r, err := parseResponse([]byte(answerOf(perImage+`, "cacheDuration": "90s"`, "r.example=alice", "*.q.example=bob")), requestV1)
	if err != nil {
		t.Fatalf("parseResponse() error = %v, want none", err)
	}
	var got []shown
	for _, e := range r.entries("node/plugin/fake") {
		got = append(got, shown{e.registry + " " + e.credential.Username, e.credential.Source})
	}
	want := []shown{{"*.q.example bob", "node/plugin/fake"}, {"r.example alice", "node/plugin/fake"}}
	if diff := cmp.Diff(want, got); diff != "" || r.CacheDuration.Duration != 90*time.Second {
		t.Errorf("duration %v, entries (-want +got):\n%s", r.CacheDuration, diff)
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
