package registry

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

// Capability is what a host may be asked for.
type Capability uint8

// The capabilities, with the names that they have in hosts.toml in lower case. A host that lists none has all.
const (
	CapabilityPull Capability = 1 << iota
	CapabilityResolve
	CapabilityPush
	CapabilityReferrers
)

const allCapabilities = CapabilityPull | CapabilityResolve | CapabilityPush | CapabilityReferrers

// Host is one place where a node asks for the images of a registry: a mirror, or the registry itself.
type Host struct {
	// Scheme is "http" or "https"; another one, or none, is a host that a node can't ask.
	Scheme string
	// Name is the host with its port, if it has one; empty for one that a node can't ask.
	Name string
	// Path is the root of the API, usually "/v2".
	Path string
	// Capabilities are what the host may be asked for.
	Capabilities Capability
	// Header is sent with every request to the host and to its token service. Its keys are as written.
	Header http.Header
	// HTTPFallback says that the host may answer in plain HTTP, though it is asked by HTTPS first.
	HTTPFallback bool
	// Named says that a file names the host. Otherwise it follows from the reference, whose author may be anybody.
	Named bool
	// DialTimeout bounds connecting; nil leaves it to the client.
	DialTimeout *time.Duration

	skipVerify  *bool
	authorities []string
	keyPairs    []keyPairFiles
}

// keyPairFiles hold a client certificate and its key. An empty key is in the file of the certificate.
type keyPairFiles struct{ certificate, key string }

// LoadHosts returns the hosts that a node asks for the images of a namespace, which is the registry's name in a reference,
// in the order in which it asks them. Root is a certs.d tree; without one it is the registry alone.
//
// Think of it as containerd reading its config_path (containerd: core/remotes/docker/config/hosts.go): the namespace's
// directory, or else "_default", with a hosts.toml or with certificates in Docker's manner. A hosts.toml that can't be
// understood counts as absent. An error means a tree with which nodes can't pull either.
func LoadHosts(root, namespace string) ([]Host, error) {
	hosts := []Host{{}}
	if root != "" {
		dir, err := findHostsDir(root, namespace)
		if err != nil {
			return nil, err
		}
		if dir != "" {
			hosts, err = readHostsDir(dir)
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

// findHostsDir returns the directory that is for a namespace; empty when there is none.
func findHostsDir(root, namespace string) (string, error) {
	for _, name := range hostsDirNames(namespace) {
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

// hostsDirNames begins with the form that file systems without colons need. An IPv6 address without a port gets it too,
// cut at its last colon.
func hostsDirNames(namespace string) []string {
	names := []string{namespace, "_default"}
	if colon := strings.LastIndexByte(namespace, ':'); colon > 0 {
		return append([]string{namespace[:colon] + "_" + namespace[colon+1:] + "_"}, names...)
	}
	return names
}

// readHostsDir reads hosts.toml, or the certificates where there is no usable one.
func readHostsDir(dir string) ([]Host, error) {
	document, err := os.ReadFile(filepath.Join(dir, "hosts.toml"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("reading hosts.toml: %w", err)
	}
	if len(document) > 0 {
		if hosts, err := parseHostsFile(dir, document); err == nil {
			return hosts, nil
		}
	}
	host, err := readCertificates(dir)
	if err != nil {
		return nil, err
	}
	return []Host{host}, nil
}

// setRegistry makes the host that of the registry itself. What a file says of the root's TLS and header stays, its
// capabilities do not.
func (h *Host) setRegistry(namespace string) {
	h.Scheme, h.Name, h.Path, h.Capabilities = "https", namespace, "/v2", allCapabilities
	switch {
	case namespace == "docker.io":
		h.Name = "registry-1.docker.io"
	case isLocal(namespace):
		h.setLocal()
	}
}

// setLocal is containerd's way with the node's own registries: TLS on the port of https, whatever works on others, and no
// certificate is verified.
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

// preferTLS has a host of plain HTTP asked by HTTPS first, where something is said of its TLS.
func (h *Host) preferTLS() {
	if h.Scheme == "http" && h.saysTLS() && portOf(h.Name) != "80" {
		h.Scheme, h.HTTPFallback = "https", true
	}
}

func (h *Host) saysTLS() bool {
	return h.skipVerify != nil || h.authorities != nil || h.keyPairs != nil
}

// isLocal differs from isLoopbackHost in an IPv6 address without a port: containerd doesn't see through the brackets
// (core/remotes/docker/resolver.go, IsLocalhost).
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

// isProxy reports whether the host stands for another registry, and is told which with "?ns=" (containerd:
// core/remotes/docker/registry.go).
func (h *Host) isProxy(namespace string) bool {
	return h.Name != namespace && (namespace != "docker.io" || h.Name != "registry-1.docker.io")
}

// isUsable reports whether a node can send a request to the host at all.
func (h *Host) isUsable() bool { return h.Name != "" && (h.Scheme == "http" || h.Scheme == "https") }
