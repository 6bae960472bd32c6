package registry

import (
	"fmt"
	"testing"

	"github.com/opencontainers/go-digest"

	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/registry/auth"
	"github.com/pullgate/pullgate/webhook/registry/egress"
)

// A full budget is Pullgate's own condition. It never counts against the registry, as a transient failure would.
func TestFullBudgetIsNotTheRegistrysFailure(t *testing.T) {
	t.Parallel()
	for name, err := range map[string]error{
		"of a manifest": fmt.Errorf("reading: %w", egress.ErrBusy),
		"of a token":    &auth.InvalidResponseError{Detail: "the token service returned no token", Err: egress.ErrBusy},
	} {
		v := errorVerdict(err)
		if v.Reason != imagepull.ReasonDeadlineExceeded || v.Transient {
			t.Errorf("%s: got %s, transient: %t, want DeadlineExceeded", name, v.Reason, v.Transient)
		}
	}
}

func TestAlgorithmOfContents(t *testing.T) {
	t.Parallel()
	sha512 := digest.SHA512.FromString("").String()
	for name, test := range map[string]struct {
		request request
		want    digest.Algorithm
	}{
		"of a tag":                     {request{object: "1.27"}, digest.SHA256},
		"of a digest":                  {request{object: sha512}, digest.SHA512},
		"of a tag with a known digest": {request{object: "1.27", digest: sha512}, digest.SHA512},
		"of an invalid digest":         {request{object: "md5:00"}, digest.SHA256},
	} {
		if got := test.request.algorithm(); got != test.want {
			t.Errorf("%s: got %s, want %s", name, got, test.want)
		}
	}
}
