package cluster

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/pullgate/pullgate/test/registry"
)

// Kubeconfig returns the path of the administrator's kubeconfig. Only programs in the cluster's network can use it.
func (c *Cluster) Kubeconfig() string { return c.plan.kubeconfig("admin") }

// Config returns the administrator's client configuration for this process.
func (c *Cluster) Config() (*rest.Config, error) {
	config, err := clientcmd.BuildConfigFromFlags("", c.Kubeconfig())
	if err != nil {
		return nil, fmt.Errorf("reading the kubeconfig: %w", err)
	}
	config.Dial = c.Dial
	return config, nil
}

// Dial connects to an IP address in the cluster's network. It does not resolve names.
func (c *Cluster) Dial(ctx context.Context, network, address string) (conn net.Conn, err error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil || net.ParseIP(host) == nil {
		return nil, fmt.Errorf("dialling %q: not an IP address with a port", address)
	}
	err = inNetwork(c.initPID, func() error {
		var dialer net.Dialer
		conn, err = dialer.DialContext(ctx, network, address)
		return err
	})
	return conn, err
}

// Command returns a command for Start, with the cluster's programs in its PATH and its kubeconfig. A name without a
// slash is first looked up among the cluster's programs.
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

// Start starts the command in the cluster's namespaces. The command ends with the cluster at the latest.
func (c *Cluster) Start(cmd *exec.Cmd) error {
	if err := startInside(c.initPID, cmd); err != nil {
		return fmt.Errorf("starting %s inside: %w", filepath.Base(cmd.Path), err)
	}
	return nil
}

// Restart kills a program of the cluster, such as kube-apiserver, and init starts it again. It does not wait until the program is
// ready.
func (c *Cluster) Restart(ctx context.Context, program string) error {
	if err := writeFile(c.plan.restartFile(program), nil); err != nil {
		return err
	}
	cmd := c.Command(ctx, "pkill", "-KILL", "-x", program[:min(len(program), maxCommandName)])
	if err := c.Start(cmd); err != nil {
		return err
	}
	if err := cmd.Wait(); err != nil {
		return errors.Join(fmt.Errorf("killing %s: %w", program, err), os.Remove(c.plan.restartFile(program)))
	}
	return nil
}

// maxCommandName is the length of a process's name in the kernel.
const maxCommandName = 15

// Serve starts a registry of this process in the cluster's network, under the name, which may have a port. It uses
// TLS with a CA that the node trusts, unless the configuration has PlainHTTP. The caller closes it.
func (c *Cluster) Serve(name string, cfg registry.Config) (server *registry.Server, err error) {
	err = inNetwork(c.initPID, func() error {
		server, err = c.plan.serve(name, cfg)
		return err
	})
	return server, err
}

// Listen is like Serve, but writes no hosts.toml for the node.
func (c *Cluster) Listen(name string, cfg registry.Config) (server *registry.Server, err error) {
	err = inNetwork(c.initPID, func() error {
		server, err = c.plan.listen(name, cfg)
		return err
	})
	return server, err
}

// HostsDir returns the folder of hosts.toml files. The node reads it for each pull.
func (c *Cluster) HostsDir() string { return c.plan.hostsDir() }

// Program returns the path of a static program for images. It waits for a signal.
func (c *Cluster) Program() string { return filepath.Join(c.plan.Programs, "pause") }

// PrivateConfig returns the path of a config.json with the account of PrivateRegistry, for a pull secret.
func (c *Cluster) PrivateConfig() string { return c.plan.privateConfig() }

// NodeConfig returns the path of the config.json with the node's own credentials. The kubelet reads it at its first
// pull, and again after five minutes.
func (c *Cluster) NodeConfig() string { return c.plan.path("kubelet", "config.json") }

// LogDir returns the folder with a log file for each program.
func (c *Cluster) LogDir() string { return c.plan.path("logs") }
