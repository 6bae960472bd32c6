package registry

import "testing"

func TestSplitPath(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		path                     string
		repository, kind, object string
	}{
		"a tag":                                 {path: "/v2/shop/web/manifests/1", repository: "shop/web", kind: "manifests", object: "1"},
		"a repository of one element":           {path: "/v2/web/blobs/sha256:0", repository: "web", kind: "blobs", object: "sha256:0"},
		"tags":                                  {path: "/v2/a/b/c/tags/list", repository: "a/b/c", kind: "tags", object: "list"},
		"a repository named tags":               {path: "/v2/tags/tags/list", repository: "tags", kind: "tags", object: "list"},
		"a repository that ends with manifests": {path: "/v2/a/manifests/blobs/sha256:0", repository: "a/manifests", kind: "blobs", object: "sha256:0"},
		"the ping path":                         {path: "/v2/"},
		"the catalog":                           {path: "/v2/_catalog"},
		"no repository":                         {path: "/v2/manifests/1"},
		"no kind":                               {path: "/v2/shop/web/x/1"},
		"outside the API":                       {path: "/v1/shop/web/manifests/1"},
		"an empty path":                         {},
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
