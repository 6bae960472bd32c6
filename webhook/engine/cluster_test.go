package engine

import (
	"testing"
	"time"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/pullgate/pullgate/webhook/config"
	"github.com/pullgate/pullgate/webhook/nodes"
)

func TestReadinessWaitsForTheNodesForALimitedTime(t *testing.T) {
	t.Parallel()
	clientset, err := kubernetes.NewForConfig(&rest.Config{})
	if err != nil {
		t.Fatal(err)
	}
	inventory, err := nodes.NewInventory(clientset.CoreV1().Nodes(), nil)
	if err != nil {
		t.Fatal(err)
	}
	before, after := &Watch{synced: synced(inventory, time.Now().Add(time.Hour))}, &Watch{synced: synced(inventory, time.Now().Add(-time.Hour))}
	if err := before.Ready(); err == nil {
		t.Error("Ready() = nil before the nodes are known")
	}
	if err := after.Ready(); err != nil {
		t.Errorf("Ready() = %v after the deadline, want nil", err)
	}
}

func TestWatchThatIsTurnedOffIsReady(t *testing.T) {
	t.Parallel()
	clientset, err := kubernetes.NewForConfig(&rest.Config{})
	if err != nil {
		t.Fatal(err)
	}
	watch, err := WatchCluster(clientset.CoreV1(), config.Nodes{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(watch.Runners) > 0 || watch.Nodes != nil || watch.Ready() != nil {
		t.Errorf("got %d runners and Ready() = %v, want nothing to run or to wait for", len(watch.Runners), watch.Ready())
	}
}
