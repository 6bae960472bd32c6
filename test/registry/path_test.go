package registry

import (
	"net/http"
	"net/url"
	"testing"
)

func TestSplitPath(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		path                     string
		repository, kind, object string
	}{
		"a tag":                       {path: "/v2/shop/web/manifests/1", repository: "shop/web", kind: "manifests", object: "1"},
		"a repository of one element": {path: "/v2/web/blobs/sha256:0", repository: "web", kind: "blobs", object: "sha256:0"},
		"tags":                        {path: "/v2/a/b/c/tags/list", repository: "a/b/c", kind: "tags", object: "list"},
		"a repository named tags":     {path: "/v2/tags/tags/list", repository: "tags", kind: "tags", object: "list"},
		"a trap":                      {path: "/v2/a/manifests/blobs/sha256:0", repository: "a/manifests", kind: "blobs", object: "sha256:0"},
		"the version":                 {path: "/v2/"},
		"the catalog":                 {path: "/v2/_catalog"},
		"no repository":               {path: "/v2/manifests/1"},
		"no kind":                     {path: "/v2/shop/web/x/1"},
		"outside the API":             {path: "/v1/shop/web/manifests/1"},
		"nothing":                     {},
	}
	for title, tt := range tests {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			repository, kind, object := splitPath(tt.path)
			if repository != tt.repository || kind != tt.kind || object != tt.object {
				t.Errorf("splitPath(%q) = %q, %q, %q, want %q, %q, %q",
					tt.path, repository, kind, object, tt.repository, tt.kind, tt.object)
			}
		})
	}
}

func TestPullScope(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		scope, repository string
		ok                bool
	}{
		"pulling":                 {scope: "repository:shop/web:pull", repository: "shop/web", ok: true},
		"pushing and pulling":     {scope: "repository:shop/web:push,pull", repository: "shop/web", ok: true},
		"a name that has a colon": {scope: "repository:host:5000/web:pull", repository: "host:5000/web", ok: true},
		"pushing":                 {scope: "repository:shop/web:push", repository: "shop/web"},
		"no actions":              {scope: "repository:shop"},
		"another type":            {scope: "registry:catalog:*"},
		"nothing":                 {},
	}
	for title, tt := range tests {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			repository, ok := pullScope(tt.scope)
			if ok != tt.ok || ok && repository != tt.repository {
				t.Errorf("pullScope(%q) = %q, %t, want %q, %t", tt.scope, repository, ok, tt.repository, tt.ok)
			}
		})
	}
}

func TestReadableQuery(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		query url.Values
		want  string
	}{
		"nothing":              {},
		"sorted and unescaped": {query: url.Values{"scope": {"b c", "a:b/c"}, "n": {"1"}}, want: "n=1&scope=a:b/c&scope=b c"},
		"what no registry has": {query: url.Values{"x": {"secret"}, "ns": {"y"}}, want: "ns=y&x=…"},
	}
	for title, tt := range tests {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			if got := readableQuery(tt.query); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestBearerToken(t *testing.T) {
	t.Parallel()
	for header, want := range map[string]string{
		"Bearer abc": "abc", "bearer abc": "abc", "Basic abc": "", "Bearer": "", "": "",
	} {
		if got := bearerToken(&http.Request{Header: http.Header{"Authorization": {header}}}); got != want {
			t.Errorf("bearerToken of %q: got %q, want %q", header, got, want)
		}
	}
}
