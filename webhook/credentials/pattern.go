package credentials

import (
	"net"
	"net/url"
	"path"
	"strings"
)

// registryKey converts the registry of a docker config's entry to the key of the kubelet: host, port and path, without
// scheme and without docker's API version before the path. It returns ok=false for a registry that is not a URL: the
// kubelet drops such an entry and uses the others.
func registryKey(registry string) (key string, ok bool) {
	if !strings.HasPrefix(registry, "https://") && !strings.HasPrefix(registry, "http://") {
		registry = "https://" + registry
	}
	u, err := url.Parse(registry)
	if err != nil {
		return "", false
	}
	p := u.Path
	// The slash after the version is required: "/v1" alone is an ordinary path, and a frequent mistake.
	if strings.HasPrefix(p, "/v1/") || strings.HasPrefix(p, "/v2/") {
		p = p[len("/v1"):]
	}
	if p == "/" {
		p = ""
	}
	return u.Host + p, true
}

// Pattern is a key of a keyring, an entry of matchImages or a repository, split for comparison. The zero value matches
// nothing.
type Pattern struct {
	labels []string
	port   string
	path   string
}

// ParsePattern splits a text without scheme, such as "*.registry.example/team". It returns the zero Pattern if the text
// is not a URL. A key may cease to be a URL when registryKey has decoded the percent escapes of its path; the kubelet
// never matches it.
func ParsePattern(text string) Pattern {
	if isPlain(text) {
		host := text
		if slash := strings.IndexByte(text, '/'); slash >= 0 {
			host = text[:slash]
		}
		return Pattern{labels: strings.Split(host, "."), path: text[len(host):]}
	}
	u, err := url.Parse("https://" + text)
	if err != nil {
		return Pattern{}
	}
	host, port, err := net.SplitHostPort(u.Host)
	if err != nil {
		host, port = u.Host, ""
	}
	return Pattern{labels: strings.Split(host, "."), port: port, path: u.Path}
}

// isPlain reports whether a text is a host and a path without any character that has a meaning in URLs, as most repositories are.
func isPlain(text string) bool {
	for _, c := range []byte(text) {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '.', c == '-', c == '_', c == '/':
		default:
			return false
		}
	}
	return true
}

// IsZero reports whether the pattern is the zero value.
func (p Pattern) IsZero() bool { return len(p.labels) == 0 }

// Matches reports whether a repository such as "docker.io/library/nginx" matches the pattern (kubelet:
// pkg/credentialprovider/keyring.go, URLsMatch). A wildcard matches within one label of the host. Ports are compared as
// text, so ":443" differs from no port. The path is a plain prefix: "/tea" matches "/team".
func (p Pattern) Matches(repository string) bool { return p.matches(ParsePattern(repository)) }

func (p Pattern) matches(target Pattern) bool {
	if p.IsZero() || len(p.labels) != len(target.labels) || p.port != target.port {
		return false
	}
	if !strings.HasPrefix(target.path, p.path) {
		return false
	}
	for i, label := range p.labels {
		if label == target.labels[i] && isPlain(label) {
			continue
		}
		// The kubelet calls path/filepath. On Linux nodes package path does the same; it does so on other systems, too.
		if ok, err := path.Match(label, target.labels[i]); err != nil || !ok {
			return false
		}
	}
	return true
}
