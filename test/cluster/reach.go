package cluster

import (
	"context"
	"fmt"
	"net"
	"os/exec"
	"path/filepath"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/pullgate/pullgate/test/registry"
)

// Kubeconfig returns the path of the administrator's kubeconfig. It is of use to programs inside only.
func (c *Cluster) Kubeconfig() string { return c.plan.kubeconfig("admin") }

// Config returns a configuration by which clients in this process reach the API server, as the administrator.
func (c *Cluster) Config() (*rest.Config, error) {
	config, err := clientcmd.BuildConfigFromFlags("", c.Kubeconfig())
	if err != nil {
		return nil, fmt.Errorf("reading the kubeconfig: %w", err)
	}
	config.Dial = c.Dial
	return config, nil
}

// Dial connects to an IP address inside. Names are not looked up: that is done by whoever is inside.
func (c *Cluster) Dial(ctx context.Context, network, address string) (conn net.Conn, err error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil || net.ParseIP(host) == nil {
		return nil, fmt.Errorf("dialling %q: it is no IP address with a port", address)
	}
	err = inNetwork(c.keeper, func() error {
		var dialer net.Dialer
		conn, err = dialer.DialContext(ctx, network, address)
		return err
	})
	return conn, err
}

// Command returns a command that Start starts inside, with the cluster's programs in its PATH and its kubeconfig. A
// name without a slash is looked for among the cluster's programs first.
func (c *Cluster) Command(ctx context.Context, name string, args ...string) *exec.Cmd {
	for _, dir := range []string{c.plan.Programs, c.plan.Assets} {
		if path := filepath.Join(dir, name); filepath.Base(name) == name && isFile(path) {
			name = path
		}
	}
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env = append(c.plan.environment(), "KUBECONFIG="+c.Kubeconfig())
	return cmd
}

// Start starts the command inside the cluster's namespaces. It ends with the cluster, if not before.
func (c *Cluster) Start(cmd *exec.Cmd) error {
	if err := startInside(c.keeper, cmd); err != nil {
		return fmt.Errorf("starting %s inside: %w", filepath.Base(cmd.Path), err)
	}
	return nil
}

// Serve starts a registry of this process that those inside know by the name, which may have a port. It speaks TLS by an
// authority that the node trusts, unless the configuration says otherwise. The caller closes it.
func (c *Cluster) Serve(name string, cfg registry.Config) (server *registry.Server, err error) {
	err = inNetwork(c.keeper, func() error {
		server, err = c.plan.serve(name, cfg)
		return err
	})
	return server, err
}

// Listen is Serve, but the node is told nothing of the registry.
func (c *Cluster) Listen(name string, cfg registry.Config) (server *registry.Server, err error) {
	err = inNetwork(c.keeper, func() error {
		server, err = c.plan.listen(name, cfg)
		return err
	})
	return server, err
}

// HostsDir returns the folder of hosts.toml files that the node reads for each pull.
func (c *Cluster) HostsDir() string { return c.plan.hostsDir() }

// Program returns a static program for images that are to run: it waits until it is told to end.
func (c *Cluster) Program() string { return filepath.Join(c.plan.Programs, "pause") }

// PrivateConfig returns the path of a config.json with the account of PrivateRegistry, for a pull secret.
func (c *Cluster) PrivateConfig() string { return c.plan.privateConfig() }

// NodeConfig returns the path of the config.json with the node's own credentials. The kubelet reads it when it pulls for the
// first time, and again after five minutes.
func (c *Cluster) NodeConfig() string { return c.plan.path("kubelet", "config.json") }

// LogDir returns the folder with a log of each program.
func (c *Cluster) LogDir() string { return c.plan.path("logs") }
