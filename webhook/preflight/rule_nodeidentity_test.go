package preflight_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/preflight"
)

// Other verdicts stay, and so do other registries.
func TestNodeIdentityMakesARefusalIndeterminate(t *testing.T) {
	t.Parallel()
	const ecr = "123.dkr.ecr.eu-west-1.amazonaws.com/shop/web:1"
	denied := imagepull.Verdict{
		Reason: imagepull.ReasonNodeCredentials,
		Detail: "access is denied with the credentials that Pullgate can see, but the nodes may have an identity of their own",
	}
	notFound := imagepull.Verdict{
		Reason: imagepull.ReasonNodeCredentials,
		Detail: "tag not found with the credentials that Pullgate can see, but the nodes may have an identity of their own",
	}
	lost := absent
	lost.AnyCredential = true
	tests := map[string]struct {
		registries []string
		image      string
		response   imagepull.Verdict
		want       imagepull.Verdict
	}{
		"denied":                       {[]string{"*.dkr.ecr.*.amazonaws.com"}, ecr, private, denied},
		"denied, another registry":     {[]string{"*.dkr.ecr.*.amazonaws.com"}, image, private, private},
		"denied, no registry listed":   {nil, ecr, private, private},
		"denied, listed by name":       {[]string{"gcr.io", host}, image, private, denied},
		"denied, on any port":          {[]string{host}, "registry.example:5000/web:1", private, denied},
		"denied, on the port":          {[]string{"registry.example:5000"}, "registry.example:5000/web:1", private, denied},
		"denied, on another port":      {[]string{"registry.example:5000"}, "registry.example:6000/web:1", private, private},
		"denied, wildcard with a port": {[]string{"*.example:5000"}, "registry.example:5000/web:1", private, denied},
		"denied, a subdomain":          {[]string{"example"}, image, private, private},
		"denied, in another case":      {[]string{"Registry.Example"}, image, private, denied},
		"denied, IPv6 with its port":   {[]string{"[2001:db8::1]:5000"}, "[2001:db8::1]:5000/web:1", private, denied},
		"denied, IPv6 on any port":     {[]string{"2001:db8::1"}, "[2001:db8::1]:5000/web:1", private, denied},
		"denied, IPv6 in brackets":     {[]string{"[2001:db8::1]"}, "[2001:db8::1]:5000/web:1", private, denied},
		"denied, IPv6 on another port": {[]string{"[2001:db8::1]:6000"}, "[2001:db8::1]:5000/web:1", private, private},
		"not found":                    {[]string{host}, image, absent, notFound},
		"not found, another registry":  {[]string{"gcr.io"}, image, absent, absent},
		"lost":                         {[]string{host}, image, lost, lost},
		"unavailable":                  {[]string{host}, image, unavailable, unavailable},
		"pullable":                     {[]string{host}, image, pullable, pullable},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := check(t, preflight.Options{
				Resolver:               &scriptedResolver{script: map[string]imagepull.Verdict{test.image: test.response}},
				Credentials:            &secrets{},
				CredentialedRegistries: hosts(t, test.registries...),
			}, test.image)
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("verdict (-want +got):\n%s", diff)
			}
		})
	}
}
