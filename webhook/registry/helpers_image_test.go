package registry_test

import (
	"context"
	"encoding/json"
	"slices"
	"testing"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	testregistry "github.com/pullgate/pullgate/test/registry"
	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/registry"
)

// blob is a descriptor in a manifest.
type blob map[string]any

func (b blob) with(key string, value any) blob {
	b[key] = value
	return b
}

// absentBlob returns a descriptor of a blob that no registry has.
func absentBlob(mediaType string) blob {
	return blob{"mediaType": mediaType, "digest": absentDigest, "size": 7}
}

// embedded returns a descriptor that holds the blob itself.
func embedded(mediaType, body string) blob {
	return blob{"mediaType": mediaType, "digest": digest.FromString(body), "size": len(body), "data": []byte(body)}
}

// rawImage is a fixture with a handmade manifest.
type rawImage struct {
	*fixture
	digest string
}

// pushBlob pushes a blob and returns its descriptor.
func (w *fixture) pushBlob(mediaType, body string) blob {
	w.t.Helper()
	sum, err := w.PushBlob("shop/raw", []byte(body))
	if err != nil {
		w.t.Fatalf("PushBlob: %v", err)
	}
	return blob{"mediaType": mediaType, "digest": sum, "size": len(body)}
}

// pushConfig pushes a configuration with a number of layers.
func (w *fixture) pushConfig(layers int) blob {
	ids := slices.Repeat([]string{absentDigest}, layers)
	body, _ := json.Marshal(map[string]any{
		"os": "linux", "architecture": "arm64", "rootfs": map[string]any{"type": "layers", "diff_ids": ids},
	})
	return w.pushBlob(ociConfig, string(body))
}

func newRawImage(t *testing.T, build func(w *fixture) map[string]any) rawImage {
	t.Helper()
	w := newFixture(t, testregistry.Config{})
	body, err := json.Marshal(build(w))
	if err != nil {
		t.Fatalf("encoding the manifest: %v", err)
	}
	sum, err := w.PushManifest("shop/raw:1", ociManifest, body)
	if err != nil {
		t.Fatalf("PushManifest: %v", err)
	}
	return rawImage{w, sum}
}

func (r rawImage) resolveDeep() imagepull.Verdict {
	r.t.Helper()
	return resolveDeep(r.t.Context(), r.fixture, host+"/shop/raw@"+r.digest, anonymous())
}

func image(config blob, layers ...blob) map[string]any {
	return map[string]any{"schemaVersion": 2, "config": config, "layers": layers}
}

// deepImage is a fixture with an image of five layers.
type deepImage struct {
	*fixture
	digest   string
	size     int64
	manifest ocispec.Manifest
}

func newDeepImage(t *testing.T, w *fixture) deepImage {
	t.Helper()
	digest, err := w.PushImage("shop/deep:1", testregistry.WithLayers(5, 64))
	if err != nil {
		t.Fatalf("PushImage: %v", err)
	}
	body, err := w.Manifest("shop/deep:1")
	if err != nil {
		t.Fatalf("Manifest: %v", err)
	}
	d := deepImage{fixture: w, digest: digest, size: int64(len(body))}
	if err := json.Unmarshal(body, &d.manifest); err != nil {
		t.Fatalf("decoding the manifest: %v", err)
	}
	return d
}

// lose removes the configuration or a layer from the registry.
func (d deepImage) lose(blob ocispec.Descriptor) {
	d.t.Helper()
	if err := d.DeleteBlob("shop/deep", blob.Digest.String()); err != nil {
		d.t.Fatalf("DeleteBlob: %v", err)
	}
}

func (d deepImage) resolveDeep(cred imagepull.Credential) imagepull.Verdict {
	d.t.Helper()
	return resolveDeep(d.t.Context(), d.fixture, host+"/shop/deep@"+d.digest, cred)
}

func resolveDeep(ctx context.Context, w *fixture, ref string, cred imagepull.Credential) imagepull.Verdict {
	return registry.NewDeepResolver(w.client).Resolve(ctx, reference(ref), cred)
}

// blobPath returns the path of a blob.
func blobPath(blob ocispec.Descriptor) string { return "/v2/shop/deep/blobs/" + blob.Digest.String() }

// allBlobs matches the path of every blob of the image.
const allBlobs = "/v2/shop/deep/blobs/*"

const (
	ociConfig = "application/vnd.oci.image.config.v1+json"
	ociLayer  = "application/vnd.oci.image.layer.v1.tar"

	noContainer = "a chart or another artifact: it pulls, but cannot start"
)

const (
	index     = host + "/shop/index:1"
	undecoded = "UnsupportedImage: the index cannot be decoded"
)

// newRawIndex returns a fixture with an index of these bytes.
func newRawIndex(t *testing.T, body string, change ...func(*registry.Options)) (w *fixture, digest string) {
	t.Helper()
	w = newFixture(t, testregistry.Config{}, change...)
	digest, err := w.PushManifest("shop/index:1", ociIndex, []byte(body))
	if err != nil {
		t.Fatalf("PushManifest: %v", err)
	}
	return w, digest
}

func copyManifest(t *testing.T, from, to *testregistry.Server, ref string) {
	t.Helper()
	body, err := from.Manifest(ref)
	if err != nil {
		t.Fatalf("Manifest: %v", err)
	}
	if _, err := to.PushManifest(ref, ociIndex, body); err != nil {
		t.Fatalf("PushManifest: %v", err)
	}
}

// newIndexes returns a fixture with two indexes. The client has read the first.
func newIndexes(t *testing.T, platforms int) *fixture {
	t.Helper()
	w := newFixture(t, bearer())
	var all []imagepull.Platform
	for range platforms {
		all = append(all, imagepull.Platform{OS: "linux", Architecture: "arm64"})
	}
	for _, tag := range []string{"shop/multi:1", "shop/multi:2"} {
		if _, err := w.PushIndex(tag, all...); err != nil {
			t.Fatalf("pushing: %v", err)
		}
	}
	wantVerdict(t, w.resolve(host+"/shop/multi:1", alice()), "Pullable")
	w.ResetRequests()
	return w
}
