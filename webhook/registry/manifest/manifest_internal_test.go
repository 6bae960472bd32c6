package manifest

import (
	"strings"
	"testing"

	"github.com/pullgate/pullgate/webhook/imagepull"
)

// FuzzManifest passes a manifest and a configuration to every function that runs before a request. An attacker may push both.
func FuzzManifest(f *testing.F) {
	for _, seed := range [][2]string{
		{`{"config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"sha256:0","size":1},"layers":[null]}`, `{}`},
		{`{"layers":[{"mediaType":"application/vnd.oci.image.layer.v1.tar+lz4+encrypted","urls":[""],"platform":{}}]}`, `{"os":"linux"}`},
		{`{"config":null,"layers":null}`, `{"rootfs":{"type":"layers","diff_ids":["",null]},"architecture":"\n"}`},
		{`[]`, `null`},
	} {
		f.Add([]byte(seed[0]), []byte(seed[1]))
	}
	f.Fuzz(func(t *testing.T, body, config []byte) {
		m, err := Parse(body)
		if err != nil {
			return
		}
		blobs, c := m.RequiredBlobs(), ParseConfig(config)
		if len(blobs) > len(m.Layers)+1 {
			t.Errorf("got %d blobs of %d layers", len(blobs), len(m.Layers))
		}
		for _, v := range []imagepull.Verdict{Validate(blobs), m.CheckUnpack(c)} {
			if v.Outcome() == imagepull.Pullable {
				t.Errorf("got %s, want a failure or the zero verdict", v.Reason)
			}
		}
		if words := platform(&c.image.Platform).String(); strings.ContainsAny(words, "\x00\x1b\r\n <>\"%") {
			t.Errorf("got platform %q", words)
		}
		if warnings := m.Warnings(); len(warnings) > 1 {
			t.Errorf("got warnings %v, want one at most", warnings)
		}
	})
}
