package preflight_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/preflight"
)

// TestCredentialedRegistries: where nodes have an identity of their own, a refusal is no certainty. Nothing else changes.
func TestCredentialedRegistries(t *testing.T) {
	t.Parallel()
	const ecr = "123.dkr.ecr.eu-west-1.amazonaws.com/shop/web:1"
	doubt := imagepull.Verdict{
		Reason: imagepull.ReasonNodeCredentials,
		Detail: "access is denied with the credentials that Pullgate can see, but the nodes may have an identity of their own",
	}
	hidden := imagepull.Verdict{
		Reason: imagepull.ReasonNodeCredentials,
		Detail: "tag not found with the credentials that Pullgate can see, but the nodes may have an identity of their own",
	}
	tests := map[string]struct {
		registries []string
		image      string
		answer     imagepull.Verdict
		want       imagepull.Verdict
	}{
		"refused":                       {[]string{"*.dkr.ecr.*.amazonaws.com"}, ecr, private, doubt},
		"refused, another registry":     {[]string{"*.dkr.ecr.*.amazonaws.com"}, image, private, private},
		"refused, none is listed":       {nil, ecr, private, private},
		"refused, by its name":          {[]string{"gcr.io", host}, image, private, doubt},
		"refused, on any port":          {[]string{host}, "registry.example:5000/web:1", private, doubt},
		"refused, on the port":          {[]string{"registry.example:5000"}, "registry.example:5000/web:1", private, doubt},
		"refused, on another port":      {[]string{"registry.example:5000"}, "registry.example:6000/web:1", private, private},
		"refused, wildcard with a port": {[]string{"*.example:5000"}, "registry.example:5000/web:1", private, doubt},
		"refused, a subdomain":          {[]string{"example"}, image, private, private},
		"refused, in another case":      {[]string{"Registry.Example"}, image, private, doubt},
		"refused, IPv6 with its port":   {[]string{"[2001:db8::1]:5000"}, "[2001:db8::1]:5000/web:1", private, doubt},
		"refused, IPv6 on any port":     {[]string{"2001:db8::1"}, "[2001:db8::1]:5000/web:1", private, doubt},
		"refused, IPv6 in brackets":     {[]string{"[2001:db8::1]"}, "[2001:db8::1]:5000/web:1", private, doubt},
		"refused, IPv6 on another port": {[]string{"[2001:db8::1]:6000"}, "[2001:db8::1]:5000/web:1", private, private},
		"absent, which may be a lie":    {[]string{host}, image, absent, hidden},
		"absent, another registry":      {[]string{"gcr.io"}, image, absent, absent},
		"no answer":                     {[]string{host}, image, unavailable, unavailable},
		"works":                         {[]string{host}, image, works, works},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := check(t, preflight.Options{
				Resolver:               &registry{script: map[string]imagepull.Verdict{test.image: test.answer}},
				Credentials:            &secrets{},
				CredentialedRegistries: hosts(t, test.registries...),
			}, test.image)
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("verdict (-want +got):\n%s", diff)
			}
		})
	}
}
