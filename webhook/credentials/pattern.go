package credentials

import (
	"net"
	"net/url"
	"path"
	"strings"
)

// keyName turns the registry of a docker config's entry into the name under which the kubelet files it: host, port and
// path, without a scheme and without docker's API version in front of the path. ok is false for what does not parse as
// a URL; the kubelet leaves such an entry out and uses the others.
func keyName(registry string) (name string, ok bool) {
	if !strings.HasPrefix(registry, "https://") && !strings.HasPrefix(registry, "http://") {
		registry = "https://" + registry
	}
	u, err := url.Parse(registry)
	if err != nil {
		return "", false
	}
	p := u.Path
	// The slash after the version is required: "/v1" alone is a path like any other, and a frequent mistake.
	if strings.HasPrefix(p, "/v1/") || strings.HasPrefix(p, "/v2/") {
		p = p[len("/v1"):]
	}
	if p == "/" {
		p = ""
	}
	return u.Host + p, true
}

// pattern is a key's name or an image's repository, taken apart for comparison. The zero value matches nothing.
type pattern struct {
	labels []string
	port   string
	path   string
}

// newPattern takes a name apart. One that is no URL gives the zero pattern: a name may cease to be a URL when keyName
// has resolved the percent escapes of its path, and the kubelet then never matches it.
func newPattern(name string) pattern {
	u, err := url.Parse("https://" + name)
	if err != nil {
		return pattern{}
	}
	host, port, err := net.SplitHostPort(u.Host)
	if err != nil {
		host, port = u.Host, ""
	}
	return pattern{labels: strings.Split(host, "."), port: port, path: u.Path}
}

func (p pattern) isZero() bool { return len(p.labels) == 0 }

// matches reports whether a repository falls under the pattern. Wildcards work within one label of the host only. The
// port is compared as text, so ":443" differs from no port. The path is a mere prefix: "/tea" opens "/team", too.
func (p pattern) matches(repository pattern) bool {
	if p.isZero() || len(p.labels) != len(repository.labels) || p.port != repository.port {
		return false
	}
	if !strings.HasPrefix(repository.path, p.path) {
		return false
	}
	for i, label := range p.labels {
		// The kubelet calls path/filepath; on a Linux node this is the same, and elsewhere it stays so.
		if ok, err := path.Match(label, repository.labels[i]); err != nil || !ok {
			return false
		}
	}
	return true
}
