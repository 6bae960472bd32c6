package manifest_test

import (
	"encoding/base64"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/opencontainers/go-digest"

	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/registry/manifest"
)

const (
	ociManifest = "application/vnd.oci.image.manifest.v1+json"
	ociIndex    = "application/vnd.oci.image.index.v1+json"
)

// entry returns an entry of an index with the digest and data of a body.
func entry(mediaType, body string) string {
	return fmt.Sprintf(`{"mediaType":%q,"digest":%q,"size":%d,"data":%q}`,
		mediaType, digest.FromString(body), len(body), base64.StdEncoding.EncodeToString([]byte(body)))
}

// The rows give the entries of an index as containerd judges them.
func TestDescriptors(t *testing.T) {
	t.Parallel()
	const (
		sum    = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
		noSize = "the index gives no valid size for a manifest"
		broken = "the index holds a manifest that cannot be decoded"
	)
	valid := func(kind imagepull.ManifestKind, size int64) imagepull.Descriptor {
		return imagepull.Descriptor{Digest: sum, Size: size, Kind: kind}
	}
	of := func(mediaType string) string {
		return fmt.Sprintf(`{"mediaType":%q,"digest":%q,"size":7}`, mediaType, sum)
	}
	sized := func(size string) string { return fmt.Sprintf(`{"mediaType":%q,"digest":%q%s}`, ociManifest, sum, size) }
	tests := map[string]struct {
		entry string
		want  imagepull.Descriptor
	}{
		"a manifest":         {of(ociManifest), valid(imagepull.KindImage, 7)},
		"of Docker":          {of("application/vnd.docker.distribution.manifest.v2+json"), valid(imagepull.KindImage, 7)},
		"an index":           {of(ociIndex), valid(imagepull.KindIndex, 7)},
		"a list of Docker":   {of("application/vnd.docker.distribution.manifest.list.v2+json"), valid(imagepull.KindIndex, 7)},
		"without a type":     {of(""), valid(imagepull.KindOther, 7)},
		"of another type":    {of("application/json"), valid(imagepull.KindOther, 7)},
		"upper case":         {of("application/vnd.OCI.image.manifest.v1+json"), valid(imagepull.KindOther, 7)},
		"with a parameter":   {of(ociManifest + "; charset=utf-8"), valid(imagepull.KindOther, 7)},
		"schema 1":           {of("application/vnd.docker.distribution.manifest.v1+prettyjws"), imagepull.Descriptor{Digest: sum, Size: 7, Defect: "the index has an image of the old schema 1 format"}},
		"schema 1, unsigned": {of("application/vnd.docker.distribution.manifest.v1+json"), valid(imagepull.KindOther, 7)},
		"size 0":             {sized(`,"size":0`), imagepull.Descriptor{Digest: sum, Kind: imagepull.KindImage, Defect: noSize}},
		"size -1":            {sized(`,"size":-1`), imagepull.Descriptor{Digest: sum, Size: -1, Kind: imagepull.KindImage, Defect: noSize}},
		"without a size":     {sized(""), imagepull.Descriptor{Digest: sum, Kind: imagepull.KindImage, Defect: noSize}},
		"with a URL":         {sized(`,"size":7,"urls":["https://a.example"]`), imagepull.Descriptor{Digest: sum, Size: 7, Kind: imagepull.KindImage, Elsewhere: true}},
		"an invalid digest": {
			fmt.Sprintf(`{"mediaType":%q,"digest":"sha256:no","size":7}`, ociManifest),
			imagepull.Descriptor{Size: 7, Kind: imagepull.KindImage, Defect: "the index gives an invalid digest for a manifest"},
		},
		"data of another length": {sized(`,"size":7,"data":"e30="`), valid(imagepull.KindImage, 7)},
		"other data": {
			sized(`,"size":2,"data":"e30="`),
			imagepull.Descriptor{Digest: sum, Size: 2, Kind: imagepull.KindImage, Defect: "the index holds a manifest that does not match its digest"},
		},
		"data": {
			entry(ociManifest, `{"config":{"digest":"`+sum+`","size":2}}`),
			imagepull.Descriptor{Kind: imagepull.KindImage, Elsewhere: true},
		},
		"data that is not JSON":      {entry(ociManifest, "no"), imagepull.Descriptor{Kind: imagepull.KindImage, Defect: broken}},
		"data that is an index":      {entry(ociManifest, `{"manifests":null}`), imagepull.Descriptor{Kind: imagepull.KindImage, Defect: broken}},
		"an index that is an image":  {entry(ociIndex, `{"config":null}`), imagepull.Descriptor{Kind: imagepull.KindIndex, Defect: broken}},
		"an index in the index":      {entry(ociIndex, `{"manifests":[]}`), imagepull.Descriptor{Kind: imagepull.KindIndex, Elsewhere: true}},
		"data without configuration": {entry(ociManifest, "{}"), imagepull.Descriptor{Kind: imagepull.KindImage, Defect: "the manifest has no size for the configuration"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			index, err := manifest.ParseIndex([]byte(`{"manifests":[` + test.entry + `]}`))
			if err != nil {
				t.Fatal(err)
			}
			got := index.Manifests()[0]
			if test.want.Digest == "" && got.Digest != "" && got.Digest != sum { // of the data
				test.want.Digest, test.want.Size = got.Digest, got.Size
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("descriptor differs (-want +got):\n%s", diff)
			}
		})
	}
}

// A node compares an empty platform, and reads the configuration without one.
func TestPlatformsOfEntries(t *testing.T) {
	t.Parallel()
	unknown := imagepull.Platform{OS: "unknown", Architecture: "unknown"}
	for platform, want := range map[string]imagepull.Platform{
		"{}":                               unknown,
		`{"os":"","architecture":""}`:      unknown,
		`{"variant":"v7"}`:                 unknown,
		"null":                             {},
		`{"os":"linux","architecture":""}`: {OS: "linux"},
	} {
		index, err := manifest.ParseIndex([]byte(`{"manifests":[{"platform":` + platform + `}]}`))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]imagepull.Platform{want}, index.Platforms()); diff != "" {
			t.Errorf("%s: platforms (-want +got):\n%s", platform, diff)
		}
	}
}
