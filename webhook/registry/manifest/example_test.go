package manifest_test

import (
	"fmt"

	"github.com/pullgate/pullgate/webhook/registry/manifest"
)

func ExampleManifest_RequiredBlobs() {
	m, err := manifest.Parse([]byte(`{
		"config": {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": "sha256:c", "size": 1},
		"layers": [
			{"mediaType": "application/vnd.oci.image.layer.v1.tar+gzip", "digest": "sha256:a", "size": 2},
			{"mediaType": "application/vnd.oci.image.layer.v1.tar+gzip", "digest": "sha256:a", "size": 2}
		]
	}`))
	if err != nil {
		panic(err)
	}
	for _, blob := range m.RequiredBlobs() {
		fmt.Println(blob.Digest, blob.Name)
	}
	// Output:
	// sha256:c the configuration
	// sha256:a layer 1 of 2
}

func ExampleParseIndex() {
	index, err := manifest.ParseIndex([]byte(`{"manifests": [
		{"digest": "sha256:a", "platform": {"os": "linux", "architecture": "arm64", "variant": "v8"}},
		{"platform": {"os": "<b>linux</b>", "architecture": "amd64"}}
	]}`))
	if err != nil {
		panic(err)
	}
	fmt.Println(index.Platforms())
	// Output:
	// [linux/arm64/v8 unknown/amd64]
}
