package registry

import (
	"strings"
	"testing"

	"github.com/pullgate/pullgate/webhook/imagepull"
)

// FuzzManifest feeds what an attacker may push, manifest and configuration, to all that looks at it before anything is asked.
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
		m, err := parseManifest(body)
		if err != nil {
			return
		}
		parts, c := m.fetched(), parseConfig(config)
		if len(parts) > len(m.Layers)+1 {
			t.Errorf("got %d parts of %d layers", len(parts), len(m.Layers))
		}
		for _, v := range []imagepull.Verdict{defect(parts), m.unpack(c)} {
			if v.Outcome() == imagepull.Pullable {
				t.Errorf("got %s, want a failure or nothing", v.Reason)
			}
		}
		if words := platform(&c.Platform).String(); strings.ContainsAny(words, "\x00\x1b\r\n <>\"%") {
			t.Errorf("got platform %q", words)
		}
		if advice := m.remarks(); len(advice) > 1 {
			t.Errorf("got advices %v", advice)
		}
	})
}
