package registry_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	testregistry "github.com/pullgate/pullgate/test/registry"
	"github.com/pullgate/pullgate/webhook/imagepull"
)

func TestHandmadeManifests(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		build    func(w *fixture) map[string]any
		want     string
		warning  string
		requests int // for blobs
	}{
		"an image": {
			build: func(w *fixture) map[string]any { return image(w.pushConfig(1), w.pushBlob(ociLayer, "files")) },
			want:  "Pullable", requests: 2,
		},
		"the same layer twice": {
			build: func(w *fixture) map[string]any {
				return image(w.pushConfig(2), w.pushBlob(ociLayer, "files"), w.pushBlob(ociLayer, "files"))
			},
			want: "Pullable", requests: 2,
		},
		"a layer embedded in the manifest": {
			build: func(w *fixture) map[string]any {
				return image(w.pushConfig(1), embedded(ociLayer, "files"))
			},
			want: "Pullable", requests: 1,
		},
		"another layer embedded in the manifest": {
			build: func(w *fixture) map[string]any {
				return image(w.pushConfig(1), absentBlob(ociLayer).with("data", []byte("7 bytes")))
			},
			want: "UnsupportedImage: the manifest embeds another content for layer 1 of 1",
		},
		"an incomplete layer embedded in the manifest": {
			build: func(w *fixture) map[string]any {
				return image(w.pushConfig(1), absentBlob(ociLayer).with("data", []byte("6 byte")))
			},
			want: "BlobMissing: the registry has lost layer 1 of 1", requests: 3,
		},
		"a configuration embedded in the manifest": {
			build: func(*fixture) map[string]any { return image(embedded(ociConfig, "{}")) },
			want:  "Pullable",
		},
		"a layer with a URL": {
			build: func(w *fixture) map[string]any {
				return image(w.pushConfig(1), absentBlob(ociLayer).with("urls", []string{"https://elsewhere.example/layer"}))
			},
			want: "Pullable", requests: 1,
		},
		"a layer of no size": {
			build: func(w *fixture) map[string]any { return image(w.pushConfig(1), absentBlob(ociLayer).with("size", 0)) },
			want:  "UnsupportedImage: the manifest has no size for layer 1 of 1",
		},
		"a layer of a negative size": {
			build: func(w *fixture) map[string]any { return image(w.pushConfig(1), absentBlob(ociLayer).with("size", -1)) },
			want:  "UnsupportedImage: the manifest has no size for layer 1 of 1",
		},
		"a layer that is longer than its size": {
			build: func(w *fixture) map[string]any {
				return image(w.pushConfig(1), w.pushBlob(ociLayer, "files").with("size", 4))
			},
			want: "UnsupportedImage: the manifest gives a wrong size for layer 1 of 1", requests: 3,
		},
		"a layer that is shorter than its size": {
			build: func(w *fixture) map[string]any {
				return image(w.pushConfig(1), w.pushBlob(ociLayer, "files").with("size", 6))
			},
			want: "UnsupportedImage: the manifest gives a wrong size for layer 1 of 1", requests: 3,
		},
		"a configuration of another size": {
			build: func(w *fixture) map[string]any {
				return image(w.pushConfig(1).with("size", 3), w.pushBlob(ociLayer, "files"))
			},
			want: "UnsupportedImage: the manifest gives a wrong size for the configuration", requests: 1,
		},
		"a configuration that is longer than any real one, and than its size": {
			build: func(w *fixture) map[string]any {
				return image(w.pushBlob(ociConfig, strings.Repeat(" ", 1<<20+1)).with("size", 3), w.pushBlob(ociLayer, "files"))
			},
			want: "UnsupportedImage: the manifest gives a wrong size for the configuration", requests: 1,
		},
		"a layer with the type of a manifest": {
			build: func(w *fixture) map[string]any {
				return image(w.pushConfig(1), w.pushBlob(ociManifest, "files"))
			},
			want: "BlobMissing: the registry has lost layer 1 of 1", requests: 3,
		},
		"a layer with the type of an index": {
			build: func(w *fixture) map[string]any {
				return image(w.pushConfig(1), w.pushBlob(ociIndex, "files"))
			},
			want: "BlobMissing: the registry has lost layer 1 of 1", requests: 3,
		},
		"a configuration with the type of a manifest": {
			build: func(w *fixture) map[string]any { return image(w.pushBlob(ociManifest, "{}")) },
			want:  "BlobMissing: the registry has lost the configuration", requests: 2,
		},
		"a digest that is a path": {
			build: func(w *fixture) map[string]any {
				return image(w.pushConfig(1), absentBlob(ociLayer).with("digest", "../../../_catalog"))
			},
			want: "UnsupportedImage: the manifest has an invalid digest for layer 1 of 1",
		},
		"an empty manifest": {
			build: func(*fixture) map[string]any { return map[string]any{} },
			want:  "UnsupportedImage: the manifest has no size for the configuration",
		},
		"more layers than in the configuration": {
			build: func(w *fixture) map[string]any {
				return image(w.pushConfig(1), w.pushBlob(ociLayer, "files"), w.pushBlob(ociLayer, "more"))
			},
			want: "UnsupportedImage: the manifest has 2 layers, its configuration 1", requests: 3,
		},
		"an invalid configuration": {
			build: func(w *fixture) map[string]any {
				return image(w.pushBlob(ociConfig, "<html>"), w.pushBlob(ociLayer, "files"))
			},
			want: "UnsupportedImage: the configuration cannot be decoded", requests: 2,
		},
		"a configuration with an undecodable field": {
			build: func(w *fixture) map[string]any {
				config := w.pushBlob(ociConfig, `{"created":5,"os":"linux","rootfs":{"diff_ids":["sha256:0"]}}`)
				return image(config, w.pushBlob(ociLayer, "files"))
			},
			want: "UnsupportedImage: the configuration cannot be decoded", requests: 2,
		},
		"an undecodable configuration without layers": {
			build: func(w *fixture) map[string]any { return image(w.pushBlob(ociConfig, `{"history":{}}`)) },
			want:  "UnsupportedImage: the configuration cannot be decoded", requests: 1,
		},
		"an undecodable configuration of another type": {
			build: func(w *fixture) map[string]any {
				return image(w.pushBlob("application/vnd.example.config", "name: chart"), w.pushBlob("application/vnd.example.content", "files"))
			},
			want: "UnsupportedImage: the configuration cannot be decoded", requests: 2,
		},
		"zstd": {
			build: func(w *fixture) map[string]any { return image(w.pushConfig(1), w.pushBlob(ociLayer+"+zstd", "files")) },
			want:  "Pullable", requests: 2,
		},
		"lz4, which may be a plain archive": {
			build: func(w *fixture) map[string]any { return image(w.pushConfig(1), w.pushBlob(ociLayer+"+lz4", "files")) },
			want:  "Pullable", requests: 2,
		},
		"encrypted for another system, which is not unpacked": {
			build: func(w *fixture) map[string]any {
				config := w.pushBlob(ociConfig, `{"os":"windows","rootfs":{"diff_ids":["sha256:0"]}}`)
				return image(config, w.pushBlob(ociLayer+"+gzip+encrypted", "files"))
			},
			want: "Pullable", requests: 2,
		},
		"encrypted without a platform": {
			build: func(w *fixture) map[string]any {
				config := w.pushBlob(ociConfig, `{"rootfs":{"diff_ids":["sha256:0"]}}`)
				return image(config, w.pushBlob(ociLayer+"+gzip+encrypted", "files"))
			},
			want: "NodeCredentials: layer 1 of 1 is encrypted, and only nodes that have its key can unpack it", requests: 2,
		},
		"encrypted": {
			build: func(w *fixture) map[string]any {
				return image(w.pushConfig(1), w.pushBlob(ociLayer+"+gzip+encrypted", "files"))
			},
			want: "NodeCredentials: layer 1 of 1 is encrypted, and only nodes that have its key can unpack it", requests: 2,
		},
		"encrypted, and lost": {
			build: func(w *fixture) map[string]any { return image(w.pushConfig(1), absentBlob(ociLayer+"+encrypted")) },
			want:  "BlobMissing: the registry has lost layer 1 of 1", requests: 3,
		},
		"a chart": {
			build: func(w *fixture) map[string]any {
				return image(w.pushBlob("application/vnd.cncf.helm.config.v1+json", "{}"), w.pushBlob("application/vnd.cncf.helm.chart.content.v1.tar+gzip", "chart"))
			},
			want: "Pullable", warning: noContainer, requests: 2,
		},
		"a chart without its content": {
			build: func(w *fixture) map[string]any {
				return image(w.pushBlob("application/vnd.cncf.helm.config.v1+json", "{}"), absentBlob("application/vnd.cncf.helm.chart.content.v1.tar+gzip"))
			},
			want: "BlobMissing: the registry has lost layer 1 of 1", requests: 3,
		},
		"an artifact with files, which are not fetched": {
			build: func(w *fixture) map[string]any {
				return image(w.pushBlob("application/vnd.oci.empty.v1+json", "{}"), absentBlob(ociLayer+"+gzip"))
			},
			want: "Pullable", warning: noContainer, requests: 1,
		},
		"a signature": {
			build: func(w *fixture) map[string]any {
				return image(w.pushConfig(0), w.pushBlob("application/vnd.dev.cosign.simplesigning.v1+json", "{}"))
			},
			want: "Pullable", warning: noContainer, requests: 2,
		},
		"a configuration over the limit": {
			build: func(w *fixture) map[string]any {
				return image(w.pushBlob(ociConfig, strings.Repeat(" ", 1<<20+1)), w.pushBlob(ociLayer, "files"))
			},
			want: "Pullable", requests: 2,
		},
		"an index": {
			build: func(*fixture) map[string]any { return map[string]any{"manifests": []any{}} },
			want:  "Pullable",
		},
		"schema 1": {
			build: func(*fixture) map[string]any { return map[string]any{"fsLayers": []any{}} },
			want:  "UnsupportedImage: the manifest cannot be decoded",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRawImage(t, test.build)
			v := r.resolveDeep()
			wantVerdict(t, v, test.want)
			var want []imagepull.Warning
			if test.warning != "" {
				want = []imagepull.Warning{{Reason: imagepull.WarningNotAContainerImage, Message: test.warning}}
			}
			if diff := cmp.Diff(want, v.Warnings); diff != "" {
				t.Errorf("warnings differ (-want +got):\n%s", diff)
			}
			if got := len(wire(r.Server)) - 1; got != test.requests {
				t.Errorf("got %d requests for blobs, want %d:\n%s", got, test.requests, r.RequestSummary())
			}
		})
	}
}

func TestManyLayers(t *testing.T) {
	t.Parallel()
	tests := map[int]string{
		127: "Pullable",
		200: "DeadlineExceeded: the image has more layers than Pullgate checks",
	}
	for count, want := range tests {
		t.Run(fmt.Sprint(count), func(t *testing.T) {
			t.Parallel()
			r := newRawImage(t, func(w *fixture) map[string]any {
				var layers []blob
				for i := range count {
					layers = append(layers, w.pushBlob(ociLayer, fmt.Sprint(i)))
				}
				return image(w.pushConfig(count), layers...)
			})
			wantVerdict(t, r.resolveDeep(), want)
			if got := len(wire(r.Server)); got > 130 {
				t.Errorf("got %d requests", got)
			}
		})
	}
}

// A body that was read for another reason is checked as well.
func TestArtifactInTheBodyHasAWarning(t *testing.T) {
	t.Parallel()
	r := newRawImage(t, func(w *fixture) map[string]any {
		return image(w.pushBlob("application/vnd.cncf.helm.config.v1+json", "{}"))
	})
	if v := r.resolve(host+"/shop/raw:1", anonymous()); v.Warnings != nil {
		t.Errorf("got warnings %v on a manifest that was not read", v.Warnings)
	}
	r.Fault(testregistry.Fault{Method: http.MethodHead, Status: 405})
	v := r.resolve(host+"/shop/raw:1", anonymous())
	if len(v.Warnings) != 1 || v.Warnings[0].Reason != imagepull.WarningNotAContainerImage {
		t.Errorf("got warnings %v, want NotAContainerImage", v.Warnings)
	}
}
