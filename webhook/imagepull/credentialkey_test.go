package imagepull_test

import (
	"testing"

	"github.com/pullgate/pullgate/webhook/imagepull"
)

func TestCredentialKeyDependsOnUserAndPasswordOnly(t *testing.T) {
	t.Parallel()
	account := imagepull.Credential{Username: "user", Password: "password", Source: "secret/shop/regcred"}
	tests := map[string]struct {
		a, b imagepull.Credential
		same bool
	}{
		"the source is not a part of the key": {
			account, imagepull.Credential{Username: "user", Password: "password", Source: "secret/other/regcred"}, true,
		},
		"another user is another key": {
			account, imagepull.Credential{Username: "other", Password: "password"}, false,
		},
		"another password is another key": {
			account, imagepull.Credential{Username: "user", Password: "other"}, false,
		},
		"the boundary of the fields counts": {
			imagepull.Credential{Username: "ab", Password: "c"}, imagepull.Credential{Username: "a", Password: "bc"}, false,
		},
		"an account is not anonymous": {
			account, imagepull.Credential{}, false,
		},
		"an anonymous entry of a secret has the anonymous key": {
			imagepull.Credential{Password: "ignored", Source: "secret/shop/regcred"}, imagepull.Credential{}, true,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := imagepull.NewCredentialKeyer()
			if same := k.Key(test.a) == k.Key(test.b); same != test.same {
				t.Errorf("the keys are equal: %v, want %v", same, test.same)
			}
		})
	}
}

func TestCredentialKeysOfTwoKeyersDiffer(t *testing.T) {
	t.Parallel()
	a, b := imagepull.NewCredentialKeyer(), imagepull.NewCredentialKeyer()
	if c := (imagepull.Credential{Username: "user"}); a.Key(c) == b.Key(c) {
		t.Error("two keyers gave the same key")
	}
}
