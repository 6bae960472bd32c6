package cluster

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestDaemons(t *testing.T) {
	t.Parallel()
	p := Plan{Dir: "/dir", Programs: "/programs", Assets: "/assets"}
	built := p.programs()
	for _, d := range []daemon{
		p.etcd(), p.apiServer(), p.controllerManager(), p.scheduler(), p.proxy(), p.containerd(), p.kubelet(),
	} {
		if !slices.Contains(built[filepath.Dir(d.path)], d.name()) {
			t.Errorf("%s is not a built program", d.path)
		}
		for _, arg := range d.args {
			if strings.Contains(arg, "--kubeconfig=") && arg != "--kubeconfig=/dir/kube/"+d.name()+".kubeconfig" {
				t.Errorf("%s uses another kubeconfig: %s", d.name(), arg)
			}
		}
	}
}
