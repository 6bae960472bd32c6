package registry

import (
	"net/http"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

func TestDeleteTag(t *testing.T) {
	t.Parallel()
	s := start(t, Config{})
	digest := pushImage(t, s, "shop/web:1")
	if err := s.Delete("shop/web:1"); err != nil {
		t.Fatalf("Delete: %v", err)
	}
	send(t, s, request{path: "/v2/shop/web/manifests/1"}).wantStatus(t, http.StatusNotFound, "MANIFEST_UNKNOWN")
	send(t, s, request{path: "/v2/shop/web/manifests/" + digest}).wantStatus(t, http.StatusOK, "")
}

func TestDeleteDigest(t *testing.T) {
	t.Parallel()
	s := start(t, Config{})
	pushImage(t, s, "shop/web:kept")
	digest := pushImage(t, s, "shop/web:1")
	body, err := s.Manifest("shop/web:1")
	if err != nil {
		t.Fatalf("Manifest: %v", err)
	}
	if _, err := s.PushManifest("shop/web:same", string(types.OCIManifestSchema1), body); err != nil {
		t.Fatalf("PushManifest: %v", err)
	}
	if err := s.Delete("shop/web@" + digest); err != nil {
		t.Fatalf("Delete: %v", err)
	}
	for _, object := range []string{"1", "same", digest} {
		send(t, s, request{path: "/v2/shop/web/manifests/" + object}).wantStatus(t, http.StatusNotFound, "MANIFEST_UNKNOWN")
	}
	send(t, s, request{path: "/v2/shop/web/manifests/kept"}).wantStatus(t, http.StatusOK, "")
}

func TestDeleteBlobs(t *testing.T) {
	t.Parallel()
	s := start(t, Config{})
	pushImage(t, s, "shop/web:1")
	body, err := s.Manifest("shop/web:1")
	if err != nil {
		t.Fatalf("Manifest: %v", err)
	}
	manifest, err := v1.ParseManifest(strings.NewReader(string(body)))
	if err != nil {
		t.Fatalf("ParseManifest: %v", err)
	}
	blobs := []string{manifest.Config.Digest.String(), manifest.Layers[0].Digest.String()}
	for _, digest := range blobs {
		send(t, s, request{path: "/v2/shop/web/blobs/" + digest}).wantStatus(t, http.StatusOK, "")
	}
	if err := s.DeleteBlob("shop/web", blobs[1]); err != nil {
		t.Fatalf("DeleteBlob: %v", err)
	}
	send(t, s, request{path: "/v2/shop/web/blobs/" + blobs[1]}).wantStatus(t, http.StatusNotFound, "BLOB_UNKNOWN")
	send(t, s, request{path: "/v2/shop/web/blobs/" + blobs[0]}).wantStatus(t, http.StatusOK, "")
	if err := s.DeleteBlobs("shop/web:1"); err != nil {
		t.Fatalf("DeleteBlobs: %v", err)
	}
	send(t, s, request{path: "/v2/shop/web/blobs/" + blobs[0]}).wantStatus(t, http.StatusNotFound, "BLOB_UNKNOWN")
	send(t, s, request{path: "/v2/shop/web/manifests/1"}).wantStatus(t, http.StatusOK, "")
}

func TestContentErrors(t *testing.T) {
	t.Parallel()
	s := start(t, Config{})
	if _, err := s.PushManifest("shop/page:1", "text/html", []byte("<html>")); err != nil {
		t.Fatalf("PushManifest: %v", err)
	}
	ignore := func(_ any, err error) error { return err }
	tests := map[string]struct {
		err  error
		want string
	}{
		"PushImage, invalid name":         {err: ignore(s.PushImage("Shop/web:1")), want: `parsing reference "Shop/web:1": `},
		"PushImage, negative size":        {err: ignore(s.PushImage("shop/web:1", WithLayers(1, -1))), want: "making image shop/web:1: making a layer: "},
		"PushIndex, invalid name":         {err: ignore(s.PushIndex("Shop/web:1")), want: "parsing reference"},
		"PushManifest, invalid name":      {err: ignore(s.PushManifest("Shop/web:1", "", nil)), want: "parsing reference"},
		"PushBlob, invalid name":          {err: ignore(s.PushBlob("Shop/web", nil)), want: "parsing reference"},
		"Manifest, invalid name":          {err: ignore(s.Manifest("Shop/web")), want: "parsing reference"},
		"Delete, invalid name":            {err: s.Delete("Shop/web:1"), want: "parsing reference"},
		"DeleteBlobs, invalid name":       {err: s.DeleteBlobs("Shop/web:1"), want: "parsing reference"},
		"Manifest, missing repository":    {err: ignore(s.Manifest("shop/gone")), want: "reading manifest latest: 404 Not Found"},
		"Delete, missing repository":      {err: s.Delete("shop/gone:1"), want: "deleting shop/gone:1: 404 Not Found"},
		"DeleteBlobs, missing repository": {err: s.DeleteBlobs("shop/gone:1"), want: "404 Not Found"},
		"DeleteBlobs, web page":           {err: s.DeleteBlobs("shop/page:1"), want: "parsing manifest shop/page:1: "},
		"DeleteBlob, missing blob":        {err: s.DeleteBlob("shop/web", "sha256:0"), want: "of shop/web: no such blob"},
	}
	for title, tt := range tests {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			if tt.err == nil || !strings.Contains(tt.err.Error(), tt.want) {
				t.Errorf("got error %v, want %q in it", tt.err, tt.want)
			}
		})
	}
}
