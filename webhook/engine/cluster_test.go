package engine

import (
	"testing"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/pullgate/pullgate/webhook/config"
)

func TestWatchIsNotReadyBeforeItsRunnersStart(t *testing.T) {
	t.Parallel()
	clientset, err := kubernetes.NewForConfig(&rest.Config{})
	if err != nil {
		t.Fatal(err)
	}
	watch, err := WatchCluster(clientset.CoreV1(), config.Nodes{Watch: true}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if watch.Ready() == nil {
		t.Error("Ready() = nil before the nodes are known, want an error")
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
