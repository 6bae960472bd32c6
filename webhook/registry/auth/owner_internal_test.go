package auth

import (
	"net/url"
	"testing"
)

func TestHaveSameOwner(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		registry, service string
		want              bool
	}{
		"the same host":                          {"registry.example.com", "registry.example.com", true},
		"in capitals, with a final dot":          {"registry.example.com", "REGISTRY.example.com.", true},
		"a sibling":                              {"registry.example.com", "auth.example.com", true},
		"the domain itself":                      {"registry.example.com", "example.com", true},
		"below the registry":                     {"example.com", "auth.registry.example.com", true},
		"another domain":                         {"registry.example.com", "registry.example.net", false},
		"a longer domain":                        {"registry.example.com", "evilexample.com", false},
		"the registry as a prefix":               {"registry.example.com", "registry.example.com.evil.net", false},
		"a country's second level":               {"a.co.uk", "b.co.uk", false},
		"a domain below a second level":          {"hub.shop.co.uk", "auth.shop.co.uk", true},
		"a private suffix":                       {"ours.github.io", "theirs.github.io", false},
		"a cloud's suffix":                       {"d1.cloudfront.net", "d2.cloudfront.net", false},
		"a reserved part of a cloud's suffix":    {"d1.r.cloudfront.net", "d2.r.cloudfront.net", false},
		"single labels":                          {"registry", "auth", false},
		"the same single label":                  {"registry", "registry", true},
		"a private top level":                    {"hub.corp.lan", "auth.corp.lan", true},
		"registries of one cloud":                {"ours.azurecr.io", "theirs.azurecr.io", false},
		"the registry's own host at a cloud":     {"ours.azurecr.io", "ours.azurecr.io", true},
		"below the registry at a cloud":          {"ours.jfrog.io", "x.ours.jfrog.io", false},
		"a cloud's domain itself":                {"europe-docker.pkg.dev", "pkg.dev", false},
		"a name for an address":                  {"10.0.0.1.nip.io", "10.0.0.2.nip.io", false},
		"a name for an address, in another form": {"registry.10.0.0.1.sslip.io", "auth.10.0.0.1.sslip.io", false},
		"Services of one namespace":              {"registry.shop.svc", "auth.shop.svc", true},
		"Services of two namespaces":             {"registry.shop.svc", "registry.depot.svc", false},
		"the same, with the cluster's domain":    {"registry.shop.svc.cluster.local", "registry.depot.svc.cluster.local", false},
		"one namespace, with it":                 {"registry.shop.svc.cluster.local", "auth.shop.svc.cluster.local", true},
		"another cluster's domain":               {"registry.shop.svc.k8s.example.com", "registry.depot.svc.k8s.example.com", false},
		"a subdomain named svc":                  {"registry.svc.example.com", "auth.svc.example.com", true},
		"a pod's name":                           {"10-0-0-1.shop.pod.cluster.local", "10-0-0-2.depot.pod.cluster.local", false},
		"the same address":                       {"192.0.2.1", "192.0.2.1", true},
		"an address, mapped":                     {"192.0.2.1", "[::ffff:192.0.2.1]", true},
		"an IPv6 address in another notation":    {"[2001:db8::1]", "[2001:db8:0::1]", true},
		"another address with the same ending":   {"192.0.2.1", "198.0.2.1", false},
		"another IPv6 address":                   {"[2001:db8::1]", "[2001:db8::2]", false},
		"a name for an address of a registry":    {"192.0.2.1", "auth.example.com", false},
		"an address for a name":                  {"registry.example.com", "192.0.2.1", false},
		"addresses with leading zeros":           {"10.0.0.01", "10.9.0.01", false},
		"a hexadecimal number":                   {"1.0x7f", "2.0x7f", false},
		"a character that is converted to a dot": {"registry.example.com", "evil.net\u3002example.com", false},
		"a fullwidth letter":                     {"registry.example.com", "auth.\uff45xample.com", false},
		"no name":                                {"registry.example.com", ".", false},

		"the default port":                  {"registry.example.com:5050", "auth.example.com", true},
		"the default port, in full":         {"registry.example.com:5050", "auth.example.com:443", true},
		"the registry's port":               {"registry.example.com:5050", "auth.example.com:5050", true},
		"the registry's default port":       {"registry.example.com", "registry.example.com:443", true},
		"another port":                      {"registry.example.com:5050", "registry.example.com:5051", false},
		"another port of a default":         {"registry.example.com", "registry.example.com:8443", false},
		"plain HTTP's port by HTTPS":        {"registry.example.com", "registry.example.com:80", false},
		"an address on another port":        {"192.0.2.1:5000", "192.0.2.1:5001", false},
		"an address on the registry's port": {"192.0.2.1:5000", "192.0.2.1:5000", true},
		"an address on the default port":    {"192.0.2.1:5000", "192.0.2.1", true},
		"an empty port":                     {"registry.example.com", "registry.example.com:", true},
		"a port with a leading zero":        {"registry.example.com", "registry.example.com:0443", false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := haveSameOwner(test.registry, "https", test.service); got != test.want {
				t.Errorf("haveSameOwner(%q, https, %q) = %t, want %t", test.registry, test.service, got, test.want)
			}
		})
	}
}

// The credential of a public registry goes to the token service that it names.
func TestTokenServicesOfPublicRegistries(t *testing.T) {
	t.Parallel()
	services, err := parseServices(knownServices())
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct {
		hosts []string
		realm string
		want  bool
	}{
		"Docker Hub":                    {[]string{"registry-1.docker.io", "docker.io"}, "https://auth.docker.io/token", true},
		"GitLab":                        {[]string{"registry.gitlab.com"}, "https://gitlab.com/jwt/auth", true},
		"GitLab on its own port":        {[]string{"gitlab.example.com:5050"}, "https://gitlab.example.com/jwt/auth", true},
		"GitHub":                        {[]string{"ghcr.io"}, "https://ghcr.io/token", true},
		"Quay":                          {[]string{"quay.io"}, "https://quay.io/v2/auth", true},
		"Google Container Registry":     {[]string{"eu.gcr.io"}, "https://eu.gcr.io/v2/token", true},
		"Google Artifact Registry":      {[]string{"europe-docker.pkg.dev"}, "https://europe-docker.pkg.dev/v2/token", true},
		"ECR Public":                    {[]string{"public.ecr.aws"}, "https://public.ecr.aws/token/", true},
		"Azure":                         {[]string{"ours.azurecr.io"}, "https://ours.azurecr.io/oauth2/token", true},
		"DigitalOcean":                  {[]string{"registry.digitalocean.com"}, "https://api.digitalocean.com/v2/registry/auth", true},
		"Elastic":                       {[]string{"docker.elastic.co"}, "https://docker-auth.elastic.co/auth", true},
		"Scaleway":                      {[]string{"rg.fr-par.scw.cloud"}, "https://api.scaleway.com/registry-internal/v1/regions/fr-par/tokens", true},
		"Scaleway for a customer":       {[]string{"evil.functions.scw.cloud"}, "https://api.scaleway.com/token", false},
		"Alibaba Cloud":                 {[]string{"registry.cn-hangzhou.aliyuncs.com"}, "https://dockerauth.cn-hangzhou.aliyuncs.com/auth", true},
		"Alibaba Cloud, another region": {[]string{"ours.cn-beijing.personal.cr.aliyuncs.com"}, "https://dockerauth.cn-hangzhou.aliyuncs.com/auth", true},
		"a bucket at Alibaba Cloud":     {[]string{"registry.cn-hangzhou.aliyuncs.com"}, "https://dockerauth.oss-cn-hangzhou.aliyuncs.com/auth", false},
		"a known service by HTTP":       {[]string{"rg.fr-par.scw.cloud"}, "http://api.scaleway.com/token", false},
		"a known service on a port":     {[]string{"rg.fr-par.scw.cloud"}, "https://api.scaleway.com:8443/token", false},
		"a known service of another":    {[]string{"registry.example.com"}, "https://api.scaleway.com/token", false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			realm, err := url.Parse(test.realm)
			if err != nil {
				t.Fatal(err)
			}
			s := Session{client: &Client{services: services}, endpoint: &Endpoint{Hosts: test.hosts}}
			if got := s.mayReceive(realm, false); got != test.want {
				t.Errorf("got %t, want %t", got, test.want)
			}
		})
	}
}

// A challenge by plain HTTP comes only from a registry that the operator declares as insecure.
func TestRealmsByPlainHTTP(t *testing.T) {
	t.Parallel()
	s := Session{client: &Client{}, endpoint: &Endpoint{Hosts: []string{"registry.example.com:5000"}}}
	tests := map[string]struct {
		realm    string
		overHTTP bool
		want     bool
	}{
		"from a registry by HTTPS":      {"http://registry.example.com:5000/token", false, false},
		"from a registry by HTTP":       {"http://registry.example.com:5000/token", true, true},
		"on its default port":           {"http://auth.example.com/token", true, true},
		"on the other scheme's port":    {"http://auth.example.com:443/token", true, false},
		"HTTPS from a registry by HTTP": {"https://auth.example.com/token", true, true},
		"on another domain":             {"http://auth.example.net/token", true, false},
		"another scheme":                {"ftp://registry.example.com:5000/token", false, false},
		"HTTPS, in capitals":            {"HTTPS://registry.example.com:5000/token", false, true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			realm, err := url.Parse(test.realm)
			if err != nil {
				t.Fatal(err)
			}
			if got := s.mayReceive(realm, test.overHTTP); got != test.want {
				t.Errorf("got %t, want %t", got, test.want)
			}
		})
	}
}
