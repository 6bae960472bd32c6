package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/pullgate/pullgate/test/process"
	"github.com/pullgate/pullgate/test/registry"
)

// demo holds the running parts of the demo.
type demo struct {
	programs programs
	out      *printer
	// dir holds every file of the demo and of its processes.
	dir string
	// webhookPort and healthPort are the ports of Pullgate.
	webhookPort, healthPort int

	account  registry.Account
	registry *registry.Server
	cluster  *cluster
	pullgate *process.Process
	// cleanups stop the processes and remove the files, in reverse order.
	cleanups []func()
}

// run sets the demo up, applies every example and cleans up, even after an error.
func run(ctx context.Context, p programs, out *printer) ([]result, error) {
	out.title("Pullgate predicts ImagePullBackOff: a demo with a real API server")
	d := &demo{programs: p, out: out, account: newAccount()}
	defer d.cleanUp()
	if err := d.setUp(ctx); err != nil {
		return nil, err
	}
	return d.applyAll(ctx)
}

// cleanUp stops all processes and removes all files.
func (d *demo) cleanUp() {
	d.out.note("")
	finish := d.out.step("stopping all processes")
	for _, cleanup := range slices.Backward(d.cleanups) {
		cleanup()
	}
	finish()
}

func (d *demo) onCleanUp(cleanup func()) { d.cleanups = append(d.cleanups, cleanup) }

// reserve makes the directory and finds free ports. The path of the directory has no symbolic links, unlike the temporary
// directory of macOS.
func (d *demo) reserve() error {
	dir, err := os.MkdirTemp("", "pullgate-demo-")
	if err != nil {
		return fmt.Errorf("making a directory: %w", err)
	}
	d.onCleanUp(func() { _ = os.RemoveAll(dir) })
	if d.dir, err = filepath.EvalSymlinks(dir); err != nil {
		return fmt.Errorf("finding the temporary directory: %w", err)
	}
	ports, err := process.FreePorts(2)
	if err != nil {
		return fmt.Errorf("finding free ports: %w", err)
	}
	d.webhookPort, d.healthPort = ports[0], ports[1]
	return nil
}

// setUp starts all parts in the order of their dependencies, and prints the time that each took.
func (d *demo) setUp(ctx context.Context) error {
	if err := d.reserve(); err != nil {
		return err
	}
	for _, step := range []struct {
		name string
		do   func(context.Context) error
	}{
		{"registry with an account: " + publicRepositories + " is public, " + privateRepositories + " private", d.startRegistry},
		{"etcd and kube-apiserver (the slow part)", d.startCluster},
		{"kustomize build " + manifests + " | kubectl apply -f -", d.install},
		{"pullgate serve, with the rights of its ServiceAccount", d.startPullgate},
		{"namespaces " + enforceNamespace + " (enforce) and " + warnNamespace + " (warn), and pull secrets", d.prepareNamespaces},
		{"the first denial: the API server calls the webhook", d.awaitWebhook},
	} {
		if err := d.runStep(ctx, step.name, step.do); err != nil {
			return err
		}
	}
	d.out.note(fmt.Sprintf(`The registry is %s. Two things differ from a cluster. There is no pod network,
so the webhook's URL %s replaces the Service in the manifests.
There are no nodes, so an admitted pod stays Pending.
`, d.registryHost(), d.webhookURL()))
	return nil
}

// runStep runs one step and prints the time that it took.
func (d *demo) runStep(ctx context.Context, name string, do func(context.Context) error) error {
	finish := d.out.step(name)
	err := do(ctx)
	finish()
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return ctx.Err()
}
