package hosts

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Capability is a set of operations that a host serves.
type Capability uint8

// The capabilities. Their lower-case names are the values in hosts.toml. A host without a list has all of them. Pullgate
// checks Pull and Resolve only, but parses all, because one unknown value makes the whole file invalid.
const (
	CapabilityPull Capability = 1 << iota
	CapabilityResolve
	CapabilityPush
	CapabilityReferrers
)

const allCapabilities = CapabilityPull | CapabilityResolve | CapabilityPush | CapabilityReferrers

// Host is one host that serves the images of a registry: a mirror, or the registry itself.
type Host struct {
	// Scheme is "http" or "https". A node cannot send requests to a host with another scheme.
	Scheme string
	// Name is the host, with its port if it has one. A node cannot send requests to a host without a name.
	Name string
	// Path is the root of the API, usually "/v2".
	Path string
	// Capabilities are the operations that the host serves.
	Capabilities Capability
	// Header is sent with every request to the host and to its token service. Its keys are spelled as in the file.
	Header http.Header
	// HTTPFallback allows plain HTTP after an attempt by HTTPS.
	HTTPFallback bool
	// Named reports whether a file names the host. Otherwise its name comes from the reference, and so from the pod's author.
	Named bool
	// DialTimeout bounds connecting; nil leaves the bound to the client.
	DialTimeout *time.Duration

	skipVerify  *bool
	authorities []string
	keyPairs    []keyPairFiles
}

// keyPairFiles are the files of a client certificate and its key. An empty key means the file of the certificate.
type keyPairFiles struct{ certificate, key string }

// Load returns the hosts of a namespace, in the order in which a node sends requests to them. The namespace is the registry's
// name in a reference. Root is a certs.d tree; if it is empty, the registry is the only host.
//
// Load reads the namespace's directory, or else "_default" (containerd: core/remotes/docker/config/hosts.go). The directory
// holds a hosts.toml, or certificates as Docker names them. An invalid hosts.toml counts as absent. An error means that nodes
// cannot pull with this tree either.
func Load(root, namespace string) ([]Host, error) {
	hosts := []Host{{}}
	if root != "" {
		dir, err := findDir(root, namespace)
		if err != nil {
			return nil, err
		}
		if dir != "" {
			hosts, err = readDir(dir)
		}
		if err != nil {
			return nil, err
		}
	}
	if last := &hosts[len(hosts)-1]; last.Name == "" {
		last.setRegistry(namespace)
	}
	for i := range hosts {
		hosts[i].preferTLS()
	}
	return hosts, nil
}

// NewLocal returns the host of a registry that is local to the cluster. As on a node's own loopback, requests go by HTTPS or
// HTTP, whichever works, and certificates are not verified.
func NewLocal(address string) Host {
	h := Host{Scheme: "https", Name: address, Path: "/v2", Capabilities: allCapabilities}
	h.setLocal()
	h.preferTLS()
	return h
}

// CheckRoot returns an error if the root of a tree is missing. A missing tree may return a moment later and name mirrors, so
// that it differs from a tree without an entry for a registry.
func CheckRoot(root string) error {
	if root == "" {
		return nil
	}
	info, err := os.Stat(root)
	if err != nil {
		return fmt.Errorf("reading the nodes' hosts: %w", err)
	}
	if !info.IsDir() {
		return errNoDirectory
	}
	return nil
}

var errNoDirectory = errors.New("reading the nodes' hosts: not a directory")

// findDir returns the directory of a namespace, or an empty string.
func findDir(root, namespace string) (string, error) {
	for _, name := range dirNames(namespace) {
		dir := filepath.Join(root, name)
		_, err := os.Stat(dir)
		switch {
		case err == nil:
			return dir, nil
		case !errors.Is(err, fs.ErrNotExist):
			return "", fmt.Errorf("looking for the directory of %s: %w", namespace, err)
		}
	}
	return "", nil
}

// dirNames returns the possible directories of a namespace, best first. The name with underscores is for file systems without
// colons. An IPv6 address without a port has such a name too, cut at its last colon.
func dirNames(namespace string) []string {
	names := []string{namespace, "_default"}
	if colon := strings.LastIndexByte(namespace, ':'); colon > 0 {
		return append([]string{namespace[:colon] + "_" + namespace[colon+1:] + "_"}, names...)
	}
	return names
}

// readDir reads hosts.toml, or the certificates if hosts.toml is missing, empty or invalid.
func readDir(dir string) ([]Host, error) {
	document, err := os.ReadFile(filepath.Join(dir, "hosts.toml"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("reading hosts.toml: %w", err)
	}
	if len(document) > 0 {
		if hosts, err := parseFile(dir, document); err == nil {
			return hosts, nil
		}
	}
	host, err := readCertificates(dir)
	if err != nil {
		return nil, err
	}
	return []Host{host}, nil
}

// setRegistry makes the host the registry itself. TLS and header from the root of the file stay, its capabilities do
// not.
func (h *Host) setRegistry(namespace string) {
	h.Scheme, h.Name, h.Path, h.Capabilities = "https", namespace, "/v2", allCapabilities
	switch {
	case namespace == "docker.io":
		h.Name = "registry-1.docker.io"
	case isLocal(namespace):
		h.setLocal()
	}
}

// setLocal applies containerd's rules for a registry on the node itself: TLS on port 443 or no port, either protocol on
// others, and no verification of certificates.
func (h *Host) setLocal() {
	port := portOf(h.Name)
	if port != "" && port != "443" {
		h.Scheme = "http"
	}
	if port != "80" {
		skip := true
		h.skipVerify = &skip
	}
}

// preferTLS switches a plain HTTP host to HTTPS with fallback, if TLS is configured for it.
func (h *Host) preferTLS() {
	if h.Scheme == "http" && h.hasTLS() && portOf(h.Name) != "80" {
		h.Scheme, h.HTTPFallback = "https", true
	}
}

// hasTLS reports whether any TLS setting is present, even an empty list of authorities.
func (h *Host) hasTLS() bool {
	return h.skipVerify != nil || h.authorities != nil || h.keyPairs != nil
}

// isLocal reports whether containerd takes a host for the node itself (core/remotes/docker/resolver.go, IsLocalhost). Like
// containerd, it does not recognize an IPv6 address in brackets without a port.
func isLocal(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	return host == "localhost" || net.ParseIP(host).IsLoopback()
}

func portOf(host string) string {
	_, port, err := net.SplitHostPort(host)
	if err != nil {
		return ""
	}
	return port
}

// IsMirror reports whether the host serves another registry than its own. Such a host gets the registry's name as "?ns="
// (containerd: core/remotes/docker/registry.go).
func (h *Host) IsMirror(namespace string) bool {
	return h.Name != namespace && (namespace != "docker.io" || h.Name != "registry-1.docker.io")
}

// IsUsable reports whether a node can send a request to the host at all.
func (h *Host) IsUsable() bool { return h.Name != "" && (h.Scheme == "http" || h.Scheme == "https") }
