package truth

import (
	"context"
	"crypto/x509"
	"fmt"
	"net"
	"strings"

	"github.com/pullgate/pullgate/test/registry"
)

// Local is a Site inside this process. Its clients dial in a network that has the hosts of a node of package cluster.
type Local struct{ network *registry.Network }

// NewLocal returns a site where the names of the scenario's images fail as they do on the node. The caller closes it.
func NewLocal(s *Scenario) *Local {
	l := &Local{registry.NewNetwork(nil)} // its clients do not use the network's CA
	for _, name := range s.hostsOfImages() {
		switch {
		case strings.HasSuffix(name, "servfail.invalid"):
			l.network.Set(name, registry.ServFail)
		case strings.HasSuffix(name, "hang.invalid"):
			l.network.Set(name, registry.Hanging)
		}
	}
	return l
}

// DialContext connects inside the site.
func (l *Local) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	return l.network.DialContext(ctx, network, address)
}

// Roots returns the system pool of Pullgate: the CA of the registries if the scenario has Trusts, or else an empty
// pool.
func (l *Local) Roots(w *Fixture) *x509.CertPool {
	if w.Scenario.Pullgate.Trusts {
		return w.CA.Pool()
	}
	return x509.NewCertPool()
}

// Close ends the dials that hang.
func (l *Local) Close() { l.network.Close() }

// Listen starts a registry on a free port and gives it the name. The clients of the site have Pullgate's view.
func (l *Local) Listen(name string, view View, cfg registry.Config) (*registry.Server, error) {
	server, err := registry.Start(cfg)
	if err != nil || view == NodeView {
		return server, err
	}
	if host, _, err := net.SplitHostPort(name); err != nil || net.ParseIP(host) == nil && host != "localhost" {
		if err := l.network.Add(name, server); err != nil {
			server.Close()
			return nil, fmt.Errorf("naming a registry: %w", err)
		}
	}
	return server, nil
}

// hostsOfImages returns the text before the first slash of each of the scenario's images.
func (s *Scenario) hostsOfImages() []string {
	images := []string{s.Image}
	if s.Pod != nil {
		for _, c := range s.Pod.Containers {
			images = append(images, c.Image)
		}
	}
	var hosts []string
	for _, image := range images {
		host, _, _ := strings.Cut(image, "/")
		hosts = append(hosts, host)
	}
	return hosts
}
