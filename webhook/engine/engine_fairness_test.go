package engine

import (
	"context"
	"net"
	"testing"
	"time"

	"github.com/pullgate/pullgate/test/registry"
	"github.com/pullgate/pullgate/webhook/config"
	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/podspec"
)

// One of the two slots remains for the other namespace, because a namespace gets at most half of them.
func TestSlowRegistryOfOneNamespaceDoesNotBlockAnother(t *testing.T) {
	t.Parallel()
	ca, err := registry.NewCA()
	if err != nil {
		t.Fatal(err)
	}
	server, err := registry.Start(registry.Config{CA: ca})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	if _, err := server.PushImage("shop/web:1"); err != nil {
		t.Fatal(err)
	}
	network := registry.NewNetwork(ca)
	t.Cleanup(network.Close)
	if err := network.Add("fast.example", server); err != nil {
		t.Fatal(err)
	}
	network.Set("slow.example", registry.Hanging)

	dialled := make(chan struct{}, 100)
	c := config.Default()
	c.Limits.Total = 2
	c.Timeouts.Admission, c.Timeouts.Request, c.Timeouts.Connect = 30*time.Second, 30*time.Second, 30*time.Second
	e := newEngine(t, c, Options{RootCAs: ca.Pool(), DialContext: func(ctx context.Context, protocol, address string) (net.Conn, error) {
		dialled <- struct{}{}
		return network.DialContext(ctx, protocol, address)
	}})
	slow := make(chan struct{})
	go func() {
		defer close(slow)
		e.Check(t.Context(), imagepull.Pod{Namespace: "shop", Uses: []imagepull.Use{
			podspec.Image("slow.example/shop/web:1"), podspec.Image("slow.example/shop/web:2"), podspec.Image("slow.example/shop/web:3"),
		}}, nil)
	}()
	<-dialled

	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	pod := imagepull.Pod{Namespace: "depot", Uses: []imagepull.Use{podspec.Image("fast.example/shop/web:1")}}
	if got := e.Check(ctx, pod, nil)[0]; got.Reason != imagepull.ReasonPullable {
		t.Errorf("got %s: %s, want Pullable", got.Reason, got.Detail)
	}
	network.Set("slow.example", registry.Refused)
	<-slow
}
