package registry_test

import (
	"encoding/json"
	"slices"
	"testing"

	testregistry "github.com/pullgate/pullgate/test/registry"
	"github.com/pullgate/pullgate/webhook/imagepull"
)

// blob is a descriptor as manifests hold it.
type blob map[string]any

func (b blob) with(key string, value any) blob {
	b[key] = value
	return b
}

// absent describes a blob that no registry has.
func absent(mediaType string) blob {
	return blob{"mediaType": mediaType, "digest": absentDigest, "size": 7}
}

// raw is a world with a manifest in it that is made by hand.
type raw struct {
	*world
	digest string
}

// held puts a blob into the repository and describes it.
func (w *world) held(mediaType, body string) blob {
	w.t.Helper()
	sum, err := w.PushBlob("shop/raw", []byte(body))
	if err != nil {
		w.t.Fatalf("PushBlob: %v", err)
	}
	return blob{"mediaType": mediaType, "digest": sum, "size": len(body)}
}

// configured is a configuration of so many layers.
func (w *world) configured(layers int) blob {
	ids := slices.Repeat([]string{absentDigest}, layers)
	body, _ := json.Marshal(map[string]any{
		"os": "linux", "architecture": "arm64", "rootfs": map[string]any{"type": "layers", "diff_ids": ids},
	})
	return w.held(ociConfig, string(body))
}

func newRaw(t *testing.T, build func(w *world) map[string]any) raw {
	t.Helper()
	w := newWorld(t, testregistry.Config{})
	body, err := json.Marshal(build(w))
	if err != nil {
		t.Fatalf("encoding the manifest: %v", err)
	}
	digest, err := w.PushManifest("shop/raw:1", ociManifest, body)
	if err != nil {
		t.Fatalf("PushManifest: %v", err)
	}
	return raw{w, digest}
}

func (r raw) inspect() imagepull.Verdict {
	r.t.Helper()
	return inspect(r.t.Context(), r.world, host+"/shop/raw@"+r.digest, anonymous())
}

func image(config blob, layers ...blob) map[string]any {
	return map[string]any{"schemaVersion": 2, "config": config, "layers": layers}
}
