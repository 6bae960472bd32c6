package nodes

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
	// hostingKey holds the description, version 1 being the only one there is.
	hostingKey = "localRegistryHosting.v1"
	// maxHosting is far beyond four short lines.
	maxHosting = 16 << 10
)

// Hosting is what is kept of the object that describes a local registry. The zero value describes none.
type Hosting struct {
	// ObjectMeta holds the name, which informers need.
	metav1.ObjectMeta
	// host is the registry's name in images, and address where pods reach it.
	host, address string
}

// At returns where pods reach the registry that the nodes know by this host, if it is the local one.
func (h *Hosting) At(host string) (address string, ok bool) {
	if h.address == "" || h.host != host {
		return "", false
	}
	return h.address, true
}

// hostingReader reads the object, and logs each thing that is wrong with it once, however often it is read.
type hostingReader struct {
	log *slog.Logger

	mu   sync.Mutex
	said string
}

// reduce is the informer's transform.
func (r *hostingReader) reduce(o any) (any, error) {
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
	if problem != "" && problem != r.said {
		r.log.Warn("the description of the cluster's local registry is ignored",
			"configMap", LocalRegistryNamespace+"/"+LocalRegistryName, "key", hostingKey, "problem", problem)
	}
	r.said = problem
	return &h
}

// parseHosting reads the description. Images name the registry as the nodes' runtime does: by a name of its own, or else by
// the one that it has outside of the cluster. Where pods reach it need not be known.
func parseHosting(text string) (h Hosting, problem string) {
	var keys struct {
		Host                     string `json:"host"`
		HostFromContainerRuntime string `json:"hostFromContainerRuntime"`
		HostFromClusterNetwork   string `json:"hostFromClusterNetwork"`
	}
	if len(text) > maxHosting {
		return Hosting{}, "it is too long"
	}
	if err := yaml.Unmarshal([]byte(text), &keys); err != nil {
		return Hosting{}, "it is not YAML with texts for host, hostFromContainerRuntime and hostFromClusterNetwork"
	}
	if keys.HostFromClusterNetwork == "" {
		return Hosting{}, ""
	}
	if !isHost(keys.HostFromClusterNetwork) {
		return Hosting{}, "hostFromClusterNetwork is not a host with a port"
	}
	return Hosting{host: cmp.Or(keys.HostFromContainerRuntime, keys.Host), address: keys.HostFromClusterNetwork}, ""
}

// hostName is what containers are called too, which are no strict host names.
var hostName = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.-]{0,252}$`)

// isHost reports whether the text is a host or an address, with or without a port, and nothing else: it is put into URLs
// and messages.
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
