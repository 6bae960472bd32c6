package imagepull_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pullgate/pullgate/webhook/imagepull"
)

func TestForNamesTheOtherSource(t *testing.T) {
	t.Parallel()
	here := imagepull.Credential{Username: "alice", Password: "s3cr3t", Source: "secret/shop/a"}
	there := imagepull.Credential{Username: "alice", Password: "s3cr3t", Source: "secret/depot/b"}
	empty := imagepull.Credential{Source: "secret/depot/b"}
	denied := func(c imagepull.Credential, detail, fix string) imagepull.Verdict {
		return imagepull.Verdict{Reason: imagepull.ReasonAccessDenied, Detail: detail, Fix: fix, Credential: c.Source}
	}
	refused := func(c imagepull.Credential) imagepull.Verdict { return denied(c, c.Refused().Detail, c.Refused().Fix) }
	absent := imagepull.Verdict{Reason: imagepull.ReasonNotFound, Detail: "tag not found", Credential: here.Source}
	tests := map[string]struct {
		verdict imagepull.Verdict
		cred    imagepull.Credential
		want    imagepull.Verdict
	}{
		"the same source": {refused(here), here, refused(here)},
		"another source":  {refused(here), there, refused(there)},
		"anonymous, then an empty entry": {
			refused(imagepull.Credential{}), empty,
			denied(empty, "the credential from secret/depot/b holds no user and password", "recreate the pull secret with user and password"),
		},
		"an empty entry, then anonymous": {
			refused(empty), imagepull.Credential{},
			denied(imagepull.Credential{}, "the image is private or does not exist, and no pull secret is for it", ""),
		},
		"a mirror's denial from backoff": {
			denied(here, "mirror m.example: "+here.Refused().Detail+" (asked 3s ago)", "check the mirror"), there,
			denied(there, "mirror m.example: "+there.Refused().Detail+" (asked 3s ago)", "check the mirror"),
		},
		"another reason": {
			absent, there,
			imagepull.Verdict{Reason: imagepull.ReasonNotFound, Detail: "tag not found", Credential: there.Source},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tt.want, tt.verdict.For(tt.cred)); diff != "" {
				t.Errorf("For() (-want +got):\n%s", diff)
			}
		})
	}
}
