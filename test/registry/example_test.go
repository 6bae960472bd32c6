package registry_test

import (
	"context"
	"fmt"
	"net/http"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/pullgate/pullgate/test/registry"
)

// One server stores images and another issues tokens. A client that dials in their network sees a public registry.
func Example() {
	ca, err := registry.NewCA()
	if err != nil {
		fmt.Println(err)
		return
	}
	network := registry.NewNetwork(ca)
	defer network.Close()
	tokens, err := registry.Start(registry.Config{
		CA:              ca,
		Auth:            registry.AuthBearer,
		Accounts:        []registry.Account{{Username: "alice", Password: "secret", Repositories: []string{"shop/*"}}},
		Public:          []string{"library/*"},
		ChallengePublic: true,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer tokens.Close()
	images, err := registry.Start(registry.Config{
		CA:              ca,
		Auth:            registry.AuthBearer,
		ChallengePublic: true,
		Token:           registry.TokenConfig{From: tokens, Realm: "https://auth.example/token"},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer images.Close()
	for host, server := range map[string]*registry.Server{"auth.example": tokens, "registry.example": images} {
		if err := network.Add(host, server); err != nil {
			fmt.Println(err)
			return
		}
	}
	if _, err := images.PushImage("shop/web:1.27"); err != nil {
		fmt.Println(err)
		return
	}

	transport := network.Transport()
	defer transport.CloseIdleConnections()
	_, err = remote.Head(
		name.MustParseReference("registry.example/shop/web:1.27"),
		remote.WithContext(context.Background()),
		remote.WithTransport(transport),
		remote.WithAuth(&authn.Basic{Username: "alice", Password: "secret"}),
	)
	fmt.Println("error:", err)
	fmt.Print(images.RequestSummary(), tokens.RequestSummary())
	// Output:
	// error: <nil>
	// GET registry.example/v2/ 401
	// HEAD registry.example/v2/shop/web/manifests/1.27 200 user=alice token
	// GET auth.example/token?scope=repository:shop/web:pull&service=registry.test 200 user=alice
}

// A registry responds with 503 twice and then recovers.
func ExampleServer_Fault() {
	server, err := registry.Start(registry.Config{PlainHTTP: true})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer server.Close()
	server.Fault(registry.Fault{Path: "/v2/*", Status: http.StatusServiceUnavailable, Times: 2})
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	for range 3 {
		resp, err := client.Get(server.URL() + "/v2/")
		if err != nil {
			fmt.Println(err)
			return
		}
		resp.Body.Close()
		fmt.Println(resp.StatusCode)
	}
	// Output:
	// 503
	// 503
	// 200
}

// A registry stops and restarts with all its content.
func ExampleServer_Restart() {
	server, err := registry.Start(registry.Config{PlainHTTP: true})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer server.Close()
	if _, err := server.PushImage("shop/web:1.27"); err != nil {
		fmt.Println(err)
		return
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	pull := func() {
		resp, err := client.Head(server.URL() + "/v2/shop/web/manifests/1.27")
		if err != nil {
			fmt.Println("down")
			return
		}
		resp.Body.Close()
		fmt.Println(resp.StatusCode)
	}
	pull()
	server.Stop()
	pull()
	if err := server.Restart(); err != nil {
		fmt.Println(err)
		return
	}
	pull()
	// Output:
	// 200
	// down
	// 200
}
