package localregistry

import (
	"cmp"
	"log/slog"
	"net"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
	"sync"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"
)

const (
	// hostingKey is the key of the description. Version 1 is the only version.
	hostingKey = "localRegistryHosting.v1"
	// maxHosting bounds the description, which has four short lines. The author of the ConfigMap controls its length.
	maxHosting = 16 << 10
)

// Hosting is the description of a local registry. The zero value describes none.
type Hosting struct {
	// ObjectMeta holds the name, which informers need.
	metav1.ObjectMeta
	// host is the registry's name in images, and address its address for pods.
	host, address string
}

// Address returns the address of the registry for pods, if host is its name in images.
func (h *Hosting) Address(host string) (address string, ok bool) {
	if h.address == "" || h.host != host {
		return "", false
	}
	return h.address, true
}

// hostingReader parses the ConfigMap. It logs each problem once, even if the ConfigMap is read often.
type hostingReader struct {
	log *slog.Logger

	mu     sync.Mutex
	logged string
}

// transform is the informer's transform.
func (r *hostingReader) transform(o any) (any, error) {
	if c, ok := o.(*corev1.ConfigMap); ok {
		return r.read(c), nil
	}
	return o, nil
}

func (r *hostingReader) read(c *corev1.ConfigMap) *Hosting {
	h, problem := parseHosting(c.Data[hostingKey])
	h.ObjectMeta = metav1.ObjectMeta{Namespace: c.Namespace, Name: c.Name}
	r.mu.Lock()
	defer r.mu.Unlock()
	if problem != "" && problem != r.logged {
		r.log.Warn("the description of the cluster's local registry is ignored",
			"configMap", Namespace+"/"+Name, "key", hostingKey, "problem", problem)
	}
	r.logged = problem
	return &h
}

// parseHosting parses the description. Images name the registry as the container runtime does: by hostFromContainerRuntime,
// or by host if that is empty. The address for pods may be missing.
func parseHosting(text string) (h Hosting, problem string) {
	var keys struct {
		Host                     string `json:"host"`
		HostFromContainerRuntime string `json:"hostFromContainerRuntime"`
		HostFromClusterNetwork   string `json:"hostFromClusterNetwork"`
	}
	if len(text) > maxHosting {
		return Hosting{}, "the text is longer than 16 KiB"
	}
	if err := yaml.Unmarshal([]byte(text), &keys); err != nil {
		return Hosting{}, "not YAML with strings for host, hostFromContainerRuntime and hostFromClusterNetwork"
	}
	if keys.HostFromClusterNetwork == "" {
		return Hosting{}, ""
	}
	if !isHost(keys.HostFromClusterNetwork) {
		return Hosting{}, "hostFromClusterNetwork is not a host with a port"
	}
	return Hosting{host: cmp.Or(keys.HostFromContainerRuntime, keys.Host), address: keys.HostFromClusterNetwork}, ""
}

// hostName matches names of containers too, which are not always valid host names.
var hostName = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.-]{0,252}$`)

// isHost reports whether the text is only a host name or an address, with or without a port. URLs and messages will contain it.
func isHost(text string) bool {
	name := text
	if host, port, err := net.SplitHostPort(text); err == nil {
		if number, err := strconv.ParseUint(port, 10, 16); err != nil || number == 0 {
			return false
		}
		name = host
	}
	addr, err := netip.ParseAddr(strings.Trim(name, "[]"))
	return err == nil && addr.Zone() == "" && (addr.Is4() || strings.HasPrefix(text, "[")) || hostName.MatchString(name)
}
