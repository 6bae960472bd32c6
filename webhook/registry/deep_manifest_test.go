package registry_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/opencontainers/go-digest"

	testregistry "github.com/pullgate/pullgate/test/registry"
	"github.com/pullgate/pullgate/webhook/imagepull"
)

const (
	ociConfig = "application/vnd.oci.image.config.v1+json"
	ociLayer  = "application/vnd.oci.image.layer.v1.tar"

	noContainer = "a chart or another artifact: it pulls, but cannot start"
)

func TestManifestsByHand(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		build  func(w *world) map[string]any
		want   string
		advice string
		asked  int // for blobs
	}{
		"an image": {
			build: func(w *world) map[string]any { return image(w.configured(1), w.held(ociLayer, "files")) },
			want:  "Pullable", asked: 2,
		},
		"the same layer twice": {
			build: func(w *world) map[string]any {
				return image(w.configured(2), w.held(ociLayer, "files"), w.held(ociLayer, "files"))
			},
			want: "Pullable", asked: 2,
		},
		"a layer within the manifest": {
			build: func(w *world) map[string]any {
				return image(w.configured(1), absent(ociLayer).with("data", []byte("7 bytes")))
			},
			want: "Pullable", asked: 1,
		},
		"a part of a layer within the manifest": {
			build: func(w *world) map[string]any {
				return image(w.configured(1), absent(ociLayer).with("data", []byte("6 byte")))
			},
			want: "BlobMissing: the registry has lost layer 1 of 1", asked: 3,
		},
		"a configuration within the manifest": {
			build: func(*world) map[string]any {
				return image(blob{"mediaType": ociConfig, "digest": digest.FromString("{}"), "size": 2, "data": []byte("{}")})
			},
			want: "Pullable",
		},
		"a layer from elsewhere": {
			build: func(w *world) map[string]any {
				return image(w.configured(1), absent(ociLayer).with("urls", []string{"https://elsewhere.example/layer"}))
			},
			want: "Pullable", asked: 1,
		},
		"a layer of no size": {
			build: func(w *world) map[string]any { return image(w.configured(1), absent(ociLayer).with("size", 0)) },
			want:  "UnsupportedImage: the manifest gives no size for layer 1 of 1",
		},
		"a digest that leads elsewhere": {
			build: func(w *world) map[string]any {
				return image(w.configured(1), absent(ociLayer).with("digest", "../../../_catalog"))
			},
			want: "UnsupportedImage: the manifest gives an invalid digest for layer 1 of 1",
		},
		"nothing": {
			build: func(*world) map[string]any { return map[string]any{} },
			want:  "UnsupportedImage: the manifest gives no size for the configuration",
		},
		"more layers than in the configuration": {
			build: func(w *world) map[string]any {
				return image(w.configured(1), w.held(ociLayer, "files"), w.held(ociLayer, "more"))
			},
			want: "UnsupportedImage: the manifest has 2 layers, its configuration 1", asked: 3,
		},
		"a configuration that is none": {
			build: func(w *world) map[string]any { return image(w.held(ociConfig, "<html>"), w.held(ociLayer, "files")) },
			want:  "UnsupportedImage: the configuration cannot be decoded", asked: 2,
		},
		"zstd": {
			build: func(w *world) map[string]any { return image(w.configured(1), w.held(ociLayer+"+zstd", "files")) },
			want:  "Pullable", asked: 2,
		},
		"lz4, which may be a plain archive": {
			build: func(w *world) map[string]any { return image(w.configured(1), w.held(ociLayer+"+lz4", "files")) },
			want:  "Pullable", asked: 2,
		},
		"encrypted of an image for another system, which stays packed": {
			build: func(w *world) map[string]any {
				config := w.held(ociConfig, `{"os":"windows","rootfs":{"diff_ids":["sha256:0"]}}`)
				return image(config, w.held(ociLayer+"+gzip+encrypted", "files"))
			},
			want: "Pullable", asked: 2,
		},
		"encrypted of an image that names no platform": {
			build: func(w *world) map[string]any {
				config := w.held(ociConfig, `{"rootfs":{"diff_ids":["sha256:0"]}}`)
				return image(config, w.held(ociLayer+"+gzip+encrypted", "files"))
			},
			want: "NodeCredentials: layer 1 of 1 is encrypted, and only nodes that have its key can unpack it", asked: 2,
		},
		"encrypted": {
			build: func(w *world) map[string]any {
				return image(w.configured(1), w.held(ociLayer+"+gzip+encrypted", "files"))
			},
			want: "NodeCredentials: layer 1 of 1 is encrypted, and only nodes that have its key can unpack it", asked: 2,
		},
		"encrypted, and lost": {
			build: func(w *world) map[string]any { return image(w.configured(1), absent(ociLayer+"+encrypted")) },
			want:  "BlobMissing: the registry has lost layer 1 of 1", asked: 3,
		},
		"a chart": {
			build: func(w *world) map[string]any {
				return image(w.held("application/vnd.cncf.helm.config.v1+json", "{}"), w.held("application/vnd.cncf.helm.chart.content.v1.tar+gzip", "chart"))
			},
			want: "Pullable", advice: noContainer, asked: 2,
		},
		"a chart without its content": {
			build: func(w *world) map[string]any {
				return image(w.held("application/vnd.cncf.helm.config.v1+json", "{}"), absent("application/vnd.cncf.helm.chart.content.v1.tar+gzip"))
			},
			want: "BlobMissing: the registry has lost layer 1 of 1", asked: 3,
		},
		"an artifact with files, which stay where they are": {
			build: func(w *world) map[string]any {
				return image(w.held("application/vnd.oci.empty.v1+json", "{}"), absent(ociLayer+"+gzip"))
			},
			want: "Pullable", advice: noContainer, asked: 1,
		},
		"a signature": {
			build: func(w *world) map[string]any {
				return image(w.configured(0), w.held("application/vnd.dev.cosign.simplesigning.v1+json", "{}"))
			},
			want: "Pullable", advice: noContainer, asked: 2,
		},
		"a configuration larger than any": {
			build: func(w *world) map[string]any {
				return image(w.held(ociConfig, strings.Repeat(" ", 1<<20+1)), w.held(ociLayer, "files"))
			},
			want: "Pullable", asked: 2,
		},
		"an index": {
			build: func(*world) map[string]any { return map[string]any{"manifests": []any{}} },
			want:  "Pullable",
		},
		"schema 1": {
			build: func(*world) map[string]any { return map[string]any{"fsLayers": []any{}} },
			want:  "UnsupportedImage: the manifest cannot be decoded",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRaw(t, test.build)
			v := r.inspect()
			wantVerdict(t, v, test.want)
			var want []imagepull.Warning
			if test.advice != "" {
				want = []imagepull.Warning{{Reason: imagepull.WarningNotAContainerImage, Message: test.advice}}
			}
			if diff := cmp.Diff(want, v.Warnings); diff != "" {
				t.Errorf("advice differs (-want +got):\n%s", diff)
			}
			if got := len(wire(r.Server)) - 1; got != test.asked {
				t.Errorf("got %d requests for blobs, want %d:\n%s", got, test.asked, r.RequestSummary())
			}
		})
	}
}

func TestManyLayers(t *testing.T) {
	t.Parallel()
	tests := map[int]string{
		127: "Pullable",
		200: "DeadlineExceeded: the image has more layers than Pullgate looks at",
	}
	for count, want := range tests {
		t.Run(fmt.Sprint(count), func(t *testing.T) {
			t.Parallel()
			r := newRaw(t, func(w *world) map[string]any {
				var layers []blob
				for i := range count {
					layers = append(layers, w.held(ociLayer, fmt.Sprint(i)))
				}
				return image(w.configured(count), layers...)
			})
			wantVerdict(t, r.inspect(), want)
			if got := len(wire(r.Server)); got > 130 {
				t.Errorf("got %d requests", got)
			}
		})
	}
}

// What came along is looked at, though nobody asked for it.
func TestAnArtifactThatWasReadIsRemarkedOn(t *testing.T) {
	t.Parallel()
	r := newRaw(t, func(w *world) map[string]any { return image(w.held("application/vnd.cncf.helm.config.v1+json", "{}")) })
	if v := r.ask(host+"/shop/raw:1", anonymous()); v.Warnings != nil {
		t.Errorf("got advice %v on a manifest that was not read", v.Warnings)
	}
	r.Fault(testregistry.Fault{Method: http.MethodHead, Status: 405})
	v := r.ask(host+"/shop/raw:1", anonymous())
	if len(v.Warnings) != 1 || v.Warnings[0].Reason != imagepull.WarningNotAContainerImage {
		t.Errorf("got advice %v, want NotAContainerImage", v.Warnings)
	}
}
