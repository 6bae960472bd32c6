package nodes_test

import (
	"context"
	"errors"
	"runtime"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/pullgate/pullgate/webhook/nodes"
)

// startInventory runs an inventory until the test's bubble ends, and waits for its first list.
func startInventory(t *testing.T, c *nodeClient) *nodes.Inventory {
	t.Helper()
	c.watcher = watch.NewFake()
	inventory, err := nodes.NewInventory(c, nil)
	if err != nil {
		t.Fatalf("NewInventory() = %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- inventory.Start(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Start() = %v", err)
		}
	})
	waitForSync(t, inventory)
	return inventory
}

// waitForSync waits until the inventory is synced and idle.
func waitForSync(t *testing.T, inventory *nodes.Inventory) {
	t.Helper()
	synctest.Wait()
	if !inventory.Synced() {
		t.Error("Synced() = false")
	}
}

// fitOf returns the fit of an index of one platform for a pod without constraints.
func fitOf(t *testing.T, inventory *nodes.Inventory, platform string) nodes.Fit {
	t.Helper()
	fit, _ := inventory.Candidates(nil).Serve(platforms(t, platform))
	return fit
}

func TestInventoryFollowsTheNodes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := &nodeClient{nodes: []corev1.Node{newNode("a", "linux/amd64", withImage(web))}}
		inventory := startInventory(t, c)
		if got := fitOf(t, inventory, "linux/arm64"); got != nodes.None {
			t.Errorf("at first: got %d, want None", got)
		}
		arm := newNode("b", "linux/arm64")
		c.watcher.Add(&arm)
		synctest.Wait()
		if got := fitOf(t, inventory, "linux/arm64"); got != nodes.Some {
			t.Errorf("after a node has joined: got %d, want Some", got)
		}
		if got := inventory.Candidates(nil).Presence(webImage()); got != nodes.SomeNodes {
			t.Errorf("presence: got %d, want SomeNodes", got)
		}
		loaded := newNode("b", "linux/arm64", withImage(web))
		c.watcher.Modify(&loaded)
		synctest.Wait()
		if got := inventory.Candidates(nil).Presence(webImage()); got != nodes.AllNodes {
			t.Errorf("presence, after the image was loaded: got %d, want AllNodes", got)
		}
		c.watcher.Delete(&c.nodes[0])
		synctest.Wait()
		if got := fitOf(t, inventory, "linux/arm64"); got != nodes.All {
			t.Errorf("after a node has left: got %d, want All", got)
		}
	})
}

func TestUnknownNodesAreIndeterminate(t *testing.T) {
	t.Parallel()
	check := func(t *testing.T, inventory *nodes.Inventory) {
		t.Helper()
		if got := fitOf(t, inventory, "linux/arm64"); got != nodes.NoCandidate {
			t.Errorf("got %d, want NoCandidate", got)
		}
		if got := inventory.Candidates(nil).Presence(webImage()); got != nodes.Unreported {
			t.Errorf("presence: got %d, want Unreported", got)
		}
	}
	t.Run("not started", func(t *testing.T) {
		t.Parallel()
		inventory, err := nodes.NewInventory(&nodeClient{}, nil)
		if err != nil {
			t.Fatalf("NewInventory() = %v", err)
		}
		if inventory.Synced() {
			t.Error("Synced() = true before the start")
		}
		check(t, inventory)
	})
	t.Run("not allowed", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			check(t, startInventory(t, &nodeClient{err: errForbidden}))
		})
	})
	t.Run("not started, declaring platforms later", func(t *testing.T) {
		t.Parallel()
		inventory, err := nodes.NewInventory(&nodeClient{}, platforms(t, "linux/amd64"))
		if err != nil {
			t.Fatalf("NewInventory() = %v", err)
		}
		if got := fitOf(t, inventory.Declaring(platforms(t, "linux/arm64")), "linux/arm64"); got == nodes.None {
			t.Errorf("got None with the declared platform")
		}
		if got := fitOf(t, inventory, "linux/arm64"); got != nodes.None {
			t.Errorf("got %d for the first inventory, want None", got)
		}
	})
	t.Run("not started, with declared platforms", func(t *testing.T) {
		t.Parallel()
		inventory, err := nodes.NewInventory(&nodeClient{}, platforms(t, "linux/amd64"))
		if err != nil {
			t.Fatalf("NewInventory() = %v", err)
		}
		if got := fitOf(t, inventory, "linux/arm64"); got != nodes.None {
			t.Errorf("got %d, want None", got)
		}
	})
}

// endWatch ends the watch. Further requests get the error, if any.
func (c *nodeClient) endWatch(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	ended := c.watcher
	c.watcher, c.err = watch.NewFake(), err
	ended.Stop()
}

func TestNodesAreUnknownAfterTheWatchWasBrokenForLong(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := &nodeClient{nodes: []corev1.Node{newNode("a", "linux/amd64")}}
		inventory := startInventory(t, c)
		time.Sleep(10 * time.Minute)
		c.endWatch(nil) // as after a quiet watch; another one begins
		for _, step := range []struct {
			after   time.Duration
			change  func()
			want    nodes.Fit
			meaning string
		}{
			{11 * time.Minute, func() { c.endWatch(errForbidden) }, nodes.None, "the watch has just ended"},
			{30 * time.Second, nil, nodes.None, "the API server refuses another one for a moment"},
			{2 * time.Minute, nil, nodes.NoCandidate, "the nodes may have changed"},
			{10 * time.Minute, func() { c.endWatch(nil) }, nodes.NoCandidate, "the inventory has not tried again yet"},
			{2 * time.Minute, nil, nodes.None, "the nodes are listed again"},
		} {
			time.Sleep(step.after)
			if step.change != nil {
				step.change()
			}
			synctest.Wait()
			if got := fitOf(t, inventory, "linux/arm64"); got != step.want {
				t.Errorf("%s: got %d, want %d", step.meaning, got, step.want)
			}
		}
	})
}

// A replica that cannot reach the API server becomes ready, and warns. Its time counts from the start of the watch.
func TestInventoryIsSyncedSomeSecondsAfterItsStart(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := &nodeClient{hangs: true}
		inventory, err := nodes.NewInventory(c, nil)
		if err != nil {
			t.Fatalf("NewInventory() = %v", err)
		}
		time.Sleep(time.Hour)
		if inventory.Synced() {
			t.Error("Synced() = true before the start")
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- inventory.Start(ctx) }()
		for _, want := range []bool{false, true} {
			time.Sleep(4 * time.Second)
			if got := inventory.Synced(); got != want {
				t.Errorf("Synced() = %t, want %t", got, want)
			}
		}
		if got := fitOf(t, inventory, "linux/arm64"); got != nodes.NoCandidate {
			t.Errorf("got %d, want NoCandidate", got)
		}
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Start() = %v", err)
		}
	})
}

func TestInventoryRunsOnEveryReplica(t *testing.T) {
	t.Parallel()
	inventory, err := nodes.NewInventory(&nodeClient{}, nil)
	if err != nil || inventory.NeedLeaderElection() {
		t.Errorf("NeedLeaderElection() = true, %v; want false", err)
	}
}

func TestListReadsEveryPage(t *testing.T) {
	t.Parallel()
	c := &nodeClient{nodes: []corev1.Node{
		newNode("a", "linux/amd64"), newNode("b", "linux/amd64"), newNode("c", "linux/arm64"), newNode("d", "linux/s390x"), newNode("e", "linux/ppc64le"),
	}}
	s, err := nodes.List(t.Context(), c, nil)
	if err != nil {
		t.Fatalf("List() = %v", err)
	}
	_, compared := s.Candidates(nil).Serve(platforms(t, "linux/riscv64"))
	if diff := cmp.Diff(platforms(t, "linux/amd64 linux/arm64 linux/ppc64le linux/s390x"), compared); diff != "" || c.listed != 3 {
		t.Errorf("%d pages read, want 3; platforms (-want +got):\n%s", c.listed, diff)
	}
}

func TestListReturnsTheError(t *testing.T) {
	t.Parallel()
	s, err := nodes.List(t.Context(), &nodeClient{err: errForbidden}, nil)
	if s != nil || !errors.Is(err, errForbidden) {
		t.Errorf("List() = %v, %v; want the API server's error", s, err)
	}
}

// No image is on two nodes. The limit leaves 8 MiB of 64 MiB for namespaces and pods.
func TestMemoryOfALargeClusterIsBounded(t *testing.T) {
	const number, most = 5000, 56 << 20
	client := &largeCluster{number: number}
	before := heap()
	s, err := nodes.List(t.Context(), client, nil)
	if err != nil {
		t.Fatalf("List() = %v", err)
	}
	got := heap() - before
	t.Logf("%d nodes take %d KiB", number, got>>10)
	if got > most {
		t.Errorf("%d nodes take %d bytes, want %d at most", number, got, most)
	}
	runtime.KeepAlive(s)
}

// heap returns the size of the heap.
func heap() int64 {
	var stats runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&stats)
	return int64(stats.HeapAlloc)
}

// largeCluster is a Client whose pages have 50 large nodes.
type largeCluster struct {
	nodeClient
	number int
}

func (c *largeCluster) List(_ context.Context, options metav1.ListOptions) (*corev1.NodeList, error) {
	list, first := &corev1.NodeList{}, 0
	if options.Continue != "" {
		var err error
		if first, err = strconv.Atoi(options.Continue); err != nil {
			return nil, err
		}
	}
	next := min(first+50, c.number)
	for i := first; i < next; i++ {
		list.Items = append(list.Items, newLargeNode(i))
	}
	if next < c.number {
		list.Continue = strconv.Itoa(next)
	}
	return list, nil
}

func TestReportedCountsNodesByTheirImages(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := &nodeClient{nodes: []corev1.Node{
			newNode("few", "linux/amd64"), newNode("many", "linux/amd64", withImages(50)), newNode("more", "linux/arm64", withImages(51)),
			newNode("new", "linux/amd64", func(n *corev1.Node) { n.Status.Images = nil }),
		}}
		inventory := startInventory(t, c)
		for limit, want := range map[int]nodes.Reported{
			0:  {All: 1, Truncated: 2, None: 1},
			51: {All: 2, Truncated: 1, None: 1},
			-1: {All: 3, None: 1},
		} {
			if got := inventory.Reported(nodes.Profile{MaxReportedImages: limit}); got != want {
				t.Errorf("with a limit of %d: got %+v, want %+v", limit, got, want)
			}
		}
		c.watcher.Delete(&c.nodes[1])
		synctest.Wait()
		if got, want := inventory.Reported(nodes.Profile{}), (nodes.Reported{All: 1, Truncated: 1, None: 1}); got != want {
			t.Errorf("after a node has left: got %+v, want %+v", got, want)
		}
	})
}
