//go:build cluster

package live

import (
	"fmt"
	"maps"
	"net"
	"slices"

	"github.com/pullgate/pullgate/test/cluster"
	"github.com/pullgate/pullgate/test/registry"
	"github.com/pullgate/pullgate/test/truth"
)

// site is the cluster as the site of one scenario. The cluster's name server gives the node's view of DNS, and a hosts
// file gives Pullgate's.
type site struct {
	*cluster.Cluster
	// hosts maps names to the addresses in Pullgate's view.
	hosts map[string]string
}

var _ truth.Site = (*site)(nil)

// Listen starts a registry in the cluster's network.
func (s *site) Listen(name string, view truth.View, cfg registry.Config) (*registry.Server, error) {
	domain, _, err := net.SplitHostPort(name)
	if err != nil {
		domain = name
	}
	if view == truth.EveryView {
		return s.Cluster.Listen(name, cfg)
	}
	if view == truth.NodeView {
		if s.hosts[domain] == "" {
			s.hosts[domain] = nodeIP // no registry listens there
		}
		return s.Cluster.Listen(name, cfg)
	}
	cfg.Names = append(slices.Clone(cfg.Names), domain)
	server, err := s.Cluster.Listen("pullgate-view."+name, cfg)
	if err != nil {
		return nil, err
	}
	s.hosts[domain], _, err = net.SplitHostPort(server.Addr())
	return server, err
}

// hostsFile returns Pullgate's view as a hosts file.
func (s *site) hostsFile() []byte {
	text := "127.0.0.1 localhost\n"
	for _, name := range slices.Sorted(maps.Keys(s.hosts)) {
		text += fmt.Sprintf("%s %s\n", s.hosts[name], name)
	}
	return []byte(text)
}
