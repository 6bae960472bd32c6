package hosts

import (
	"fmt"
	"net/http"
	"net/url"
	"path"
	"path/filepath"
	"strings"
	"time"

	"github.com/pelletier/go-toml/v2"
	"github.com/pelletier/go-toml/v2/unstable"
)

// hostKeys are the keys of one host in hosts.toml, with containerd's types. As in containerd, a key of another type makes the
// file invalid, and an unknown key is ignored.
type hostKeys struct {
	Capabilities []string       `toml:"capabilities"`
	CA           any            `toml:"ca"`
	Client       any            `toml:"client"`
	SkipVerify   *bool          `toml:"skip_verify"`
	Header       map[string]any `toml:"header"`
	OverridePath bool           `toml:"override_path"`
	DialTimeout  string         `toml:"dial_timeout"`
}

// tomlFile is a whole hosts.toml. The keys at its root belong to the server.
type tomlFile struct {
	hostKeys

	Server string              `toml:"server"`
	Hosts  map[string]hostKeys `toml:"host"`
}

// parseFile returns the hosts of a file in the order of the file, the server last. A server without a name is the registry.
func parseFile(dir string, document []byte) ([]Host, error) {
	var file tomlFile
	if err := toml.Unmarshal(document, &file); err != nil {
		return nil, fmt.Errorf("decoding: %w", err)
	}
	var hosts []Host
	for _, name := range hostOrder(document) {
		h, err := newHost(dir, name, file.Hosts[name])
		if err != nil {
			return nil, fmt.Errorf("host %q: %w", name, err)
		}
		hosts = append(hosts, h)
	}
	server, err := newHost(dir, file.Server, file.hostKeys)
	if err != nil {
		return nil, fmt.Errorf("server: %w", err)
	}
	return append(hosts, server), nil
}

// hostOrder returns the hosts in the order of their table headers. Like containerd, it omits a host that is written inline
// or with dotted keys, and repeats a host whose tables are separated by another one.
func hostOrder(document []byte) []string {
	var (
		parser unstable.Parser
		order  []string
		last   string
	)
	parser.Reset(document)
	for parser.NextExpression() {
		e := parser.Expression()
		if e.Kind != unstable.Table {
			continue
		}
		key := keyParts(e)
		if len(key) > 1 && key[0] == "host" && key[1] != last {
			last = key[1]
			order = append(order, last)
		}
	}
	return order
}

func keyParts(e *unstable.Node) []string {
	var parts []string
	for it := e.Key(); it.Next(); {
		parts = append(parts, string(it.Node().Data))
	}
	return parts
}

// newHost returns the host with these keys; relative files are in dir. An empty server leaves the host without a name.
func newHost(dir, server string, keys hostKeys) (Host, error) {
	h := Host{skipVerify: keys.SkipVerify}
	for _, set := range []func() error{
		func() error { return h.setServer(server, keys.OverridePath) },
		func() error { return h.setCapabilities(keys.Capabilities) },
		func() error { return h.setAuthorities(dir, keys.CA) },
		func() error { return h.setKeyPairs(dir, keys.Client) },
		func() error { return h.setHeader(keys.Header) },
		func() error { return h.setDialTimeout(keys.DialTimeout) },
	} {
		if err := set(); err != nil {
			return Host{}, err
		}
	}
	return h, nil
}

// setServer parses a URL, or a host without a scheme, unless its name begins with "http".
func (h *Host) setServer(server string, overridePath bool) error {
	if server == "" {
		return nil
	}
	if !strings.HasPrefix(server, "http") {
		server = "https://" + server
	}
	u, err := url.Parse(server)
	if err != nil {
		return fmt.Errorf("parsing the URL: %w", err)
	}
	h.Scheme, h.Name, h.Named = u.Scheme, u.Host, u.Host != ""
	h.Path = u.Path
	if h.Path != "" {
		h.Path = path.Clean(h.Path)
	}
	if !overridePath && !strings.HasSuffix(h.Path, "/v2") {
		h.Path += "/v2"
	}
	return nil
}

func (h *Host) setCapabilities(names []string) error {
	if len(names) == 0 {
		h.Capabilities = allCapabilities
	}
	for _, name := range names {
		switch strings.ToLower(name) {
		case "pull":
			h.Capabilities |= CapabilityPull
		case "resolve":
			h.Capabilities |= CapabilityResolve
		case "push":
			h.Capabilities |= CapabilityPush
		case "referrers":
			h.Capabilities |= CapabilityReferrers
		default:
			return fmt.Errorf("unknown capability %q", name)
		}
	}
	return nil
}

// setAuthorities accepts one file or a list of files. An empty list still counts as TLS configuration (see Host.preferTLS).
func (h *Host) setAuthorities(dir string, value any) error {
	if value == nil {
		return nil
	}
	files, err := stringsOf(value)
	if err != nil {
		return fmt.Errorf("ca: %w", err)
	}
	h.authorities = make([]string, len(files))
	for i, file := range files {
		h.authorities[i] = resolvePath(dir, file)
	}
	return nil
}

// setKeyPairs accepts one file, or a list of files and of pairs of files.
func (h *Host) setKeyPairs(dir string, value any) error {
	list, ok := value.([]any)
	if value != nil && !ok {
		list = []any{value}
	}
	for _, item := range list {
		files, err := stringsOf(item)
		if err != nil {
			return fmt.Errorf("client: %w", err)
		}
		_, isPair := item.([]any)
		if isPair && len(files) != 2 {
			return fmt.Errorf("client: a pair has two files, not %d", len(files))
		}
		pair := keyPairFiles{certificate: resolvePath(dir, files[0])}
		if isPair {
			pair.key = resolvePath(dir, files[1])
		}
		h.keyPairs = append(h.keyPairs, pair)
	}
	return nil
}

func (h *Host) setHeader(values map[string]any) error {
	for key, value := range values {
		texts, err := stringsOf(value)
		if err != nil {
			return fmt.Errorf("header %q: %w", key, err)
		}
		if h.Header == nil {
			h.Header = http.Header{}
		}
		h.Header[key] = texts
	}
	return nil
}

func (h *Host) setDialTimeout(text string) error {
	if text == "" {
		return nil
	}
	timeout, err := time.ParseDuration(text)
	if err != nil {
		return fmt.Errorf("dial_timeout: %w", err)
	}
	h.DialTimeout = &timeout
	return nil
}

// stringsOf converts a string or a list of strings.
func stringsOf(value any) ([]string, error) {
	if text, ok := value.(string); ok {
		return []string{text}, nil
	}
	list, ok := value.([]any)
	if !ok {
		return nil, fmt.Errorf("want a string or a list, got %T", value)
	}
	texts := make([]string, len(list))
	for i, item := range list {
		if texts[i], ok = item.(string); !ok {
			return nil, fmt.Errorf("want a string, got %T", item)
		}
	}
	return texts, nil
}

// resolvePath returns the path of a file; a relative one is below dir.
func resolvePath(dir, file string) string {
	if filepath.IsAbs(file) {
		return file
	}
	return filepath.Join(dir, file)
}
