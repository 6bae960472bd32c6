package canary

import (
	"fmt"
	"maps"
	"net/http"
)

// redirectVectors returns a redirect of each kind of request to each kind of place. A manifest's redirect keeps the credential on the
// same host name and below it, as on a node (net/http: client.go, shouldCopyHeaderOnRedirect).
func redirectVectors() map[string]vector {
	all := map[string]vector{
		"redirect: another port of the registry": {
			registry: site{redirect: map[string]string{"HEAD": "https://registry.example:8443{path}"}},
			belongs:  map[string][]string{"alice": {"registry.example:443", "registry.example:8443"}},
			visits:   []string{"registry.example:8443"},
		},
		"redirect: a name below the registry, then elsewhere": {
			registry: site{redirect: map[string]string{"HEAD": "https://cdn.registry.example{path}"}},
			sites:    map[string]site{"cdn.registry.example:443": {redirect: map[string]string{"HEAD": "https://evil.example{path}"}}},
			belongs:  map[string][]string{"alice": {"registry.example:443", "cdn.registry.example:443"}},
			visits:   []string{"evil.example:443"},
		},
		"redirect: token to another port":         {registry: site{redirect: map[string]string{"token": "https://registry.example:8443{path}"}}},
		"redirect: token to a name below":         {registry: site{redirect: map[string]string{"token": "https://auth.registry.example{path}"}}},
		"redirect: password to another host":      {registry: site{challenge: []string{basic}, redirect: map[string]string{"HEAD": "https://evil.example{path}"}}, visits: []string{"evil.example:443"}},
		"redirect: password of GET":               {registry: site{challenge: []string{basic}, redirect: map[string]string{"GET": "https://evil.example{path}"}}, visits: []string{"evil.example:443"}, config: platforms},
		"redirect: of a layer":                    {registry: site{redirect: map[string]string{"GET": "https://evil.example{path}"}}, visits: []string{"evil.example:443"}, config: platforms + "\ndeep: true"},
		"redirect: a loop on the registry":        {registry: site{redirect: map[string]string{"HEAD": "{path}"}}},
		"redirect: a loop through another host":   {registry: site{redirect: map[string]string{"HEAD": "https://evil.example{path}"}}, sites: map[string]site{"evil.example:443": {open: true, redirect: map[string]string{"HEAD": "https://registry.example{path}"}}}, visits: []string{"evil.example:443"}},
		"redirect: a token loop":                  {registry: site{redirect: map[string]string{"token": "{path}"}}},
		"redirect: a chain":                       {registry: site{redirect: map[string]string{"HEAD": "https://one.example{path}"}}, sites: map[string]site{"one.example:443": {open: true, redirect: map[string]string{"HEAD": "https://two.example{path}"}}}, visits: []string{"two.example:443"}},
		"redirect: through the registry":          {registry: site{redirect: map[string]string{"HEAD": "https://one.example{path}"}}, sites: map[string]site{"one.example:443": {open: true, redirect: map[string]string{"HEAD": "https://cdn.registry.example{path}"}}}, belongs: map[string][]string{"alice": {"registry.example:443", "cdn.registry.example:443"}}, visits: []string{"cdn.registry.example:443"}},
		"redirect: a credential in the Location":  {registry: site{redirect: map[string]string{"HEAD": "http://{alice.user}:{alice.escaped}@registry.example{path}"}}},
		"redirect: a credential in a broken URL":  {registry: site{redirect: map[string]string{"HEAD": "https://{alice.user}:{alice.password}@registry.example:port{path}"}}},
		"redirect: a credential to no such place": {registry: site{redirect: map[string]string{"token": "ftp://{alice.user}:{alice.escaped}@registry.example{path}"}}},
		"redirect: the challenge is elsewhere":    {registry: site{redirect: map[string]string{"anonymous": "https://evil.example{path}"}}, visits: []string{"evil.example:443"}},
		"redirect: the challenge names the registry": {
			registry: site{redirect: map[string]string{"anonymous": "https://evil.example{path}"}},
			sites:    map[string]site{"evil.example:443": {challenge: bearer("https://registry.example/token")}},
			visits:   []string{"evil.example:443"},
		},
	}
	for _, status := range []int{http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusPermanentRedirect} {
		all[fmt.Sprintf("redirect: token with status %d", status)] = vector{
			registry: site{redirect: map[string]string{"token": "https://evil.example{path}"}, redirectStatus: status},
		}
	}
	for _, kind := range []string{"HEAD", "GET", "token"} {
		maps.Copy(all, redirectsOf(kind))
	}
	return all
}

// platforms declares the nodes' platform, so that an index is read.
const platforms = "nodes: {platforms: [linux/amd64]}"

// redirectsOf returns the redirects of one kind of request to hosts that may not receive the credential.
func redirectsOf(kind string) map[string]vector {
	all := map[string]vector{}
	for name, test := range map[string]struct{ location, host string }{
		"another host":                   {"https://evil.example{path}", "evil.example:443"},
		"a sibling":                      {"https://registry2.example{path}", "registry2.example:443"},
		"the parent":                     {"https://example{path}", "example:443"},
		"the registry's name as prefix":  {"https://registry.example.evil.example{path}", "registry.example.evil.example:443"},
		"the registry's name as suffix":  {"https://evilregistry.example{path}", "evilregistry.example:443"},
		"user information like a host":   {"https://registry.example@evil.example{path}", "evil.example:443"},
		"no scheme":                      {"//evil.example{path}", "evil.example:443"},
		"upper case":                     {"https://EVIL.EXAMPLE{path}", "evil.example:443"},
		"plain HTTP":                     {"http://registry.example{path}", ""},
		"plain HTTP and another host":    {"http://evil.example{path}", ""},
		"plain HTTP and a name below it": {"http://cdn.registry.example{path}", ""},
	} {
		v := vector{registry: site{redirect: map[string]string{kind: test.location}}, config: platforms}
		if kind != "token" && test.host != "" {
			v.visits = []string{test.host} // a redirect of content is followed, without the credential
		}
		all["redirect: "+kind+" to "+name] = v
	}
	return all
}
