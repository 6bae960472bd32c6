package engine_test

import (
	"context"
	"fmt"
	"log"

	"github.com/pullgate/pullgate/test/registry"
	"github.com/pullgate/pullgate/webhook/config"
	"github.com/pullgate/pullgate/webhook/credentials/secrets"
	"github.com/pullgate/pullgate/webhook/engine"
	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/podspec"
)

// exampleRegistry starts a registry with the name registry.example, and returns options that reach it. A program that checks
// real registries needs no such options.
func exampleRegistry() (o engine.Options, stop func()) {
	ca, err := registry.NewCA()
	if err != nil {
		log.Fatal(err)
	}
	server, err := registry.Start(registry.Config{
		CA: ca, Auth: registry.AuthBearer, ChallengePublic: true, Public: []string{"shop/*"},
		Accounts: []registry.Account{{Username: "alice", Password: "secret", Repositories: []string{"vault/*"}}},
	})
	if err != nil {
		log.Fatal(err)
	}
	for _, image := range []string{"shop/web:1.27", "vault/ledger:2.0"} {
		if _, err := server.PushImage(image); err != nil {
			log.Fatal(err)
		}
	}
	if _, err := server.PushIndex("shop/edge:1.0", imagepull.Platform{OS: "linux", Architecture: "arm64"}); err != nil {
		log.Fatal(err)
	}
	network := registry.NewNetwork(ca)
	if err := network.Add("registry.example", server); err != nil {
		log.Fatal(err)
	}
	o = engine.Options{Environ: []string{}, DialContext: network.DialContext, RootCAs: ca.Pool()}
	return o, func() { network.Close(); server.Close() }
}

// An image by its name, as on the command line.
func ExampleNew() {
	options, stop := exampleRegistry()
	defer stop()

	e, err := engine.New(config.Default(), options)
	if err != nil {
		panic(err)
	}
	defer e.Close()
	pod := imagepull.Pod{Uses: []imagepull.Use{
		podspec.Image("registry.example/shop/web:1.27"),
		podspec.Image("registry.example/shop/web:1.72"),
	}}
	for _, f := range e.Check(context.Background(), pod, nil) {
		fmt.Println(f.Image, f.Outcome(), f.Reason)
	}
	// Output:
	// registry.example/shop/web:1.27 Pullable Pullable
	// registry.example/shop/web:1.72 Unpullable NotFound
}

// A manifest, with the pull secrets of a file.
func ExampleEngine_Check_pullSecret() {
	options, stop := exampleRegistry()
	defer stop()

	secret, err := secrets.ParseFile([]byte(`{"auths":{"registry.example":{"username":"alice","password":"secret"}}}`), "config.json")
	if err != nil {
		panic(err)
	}
	object, err := podspec.Decode([]byte(`{
		"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "ledger"},
		"spec": {"containers": [{"name": "ledger", "image": "registry.example/vault/ledger:2.0"}]}
	}`))
	if err != nil {
		panic(err)
	}
	for _, pods := range []secrets.Files{nil, {secret}} {
		options.Credentials = pods
		e, err := engine.New(config.Default(), options)
		if err != nil {
			panic(err)
		}
		defer e.Close()
		for _, f := range e.Check(context.Background(), object.Pod, object.Spec) {
			fmt.Println(f.Name, f.Image, f.Reason)
		}
	}
	// Output:
	// ledger registry.example/vault/ledger:2.0 AccessDenied
	// ledger registry.example/vault/ledger:2.0 Pullable
}

// Nodes of a declared platform.
func ExampleEngine_Check_platform() {
	options, stop := exampleRegistry()
	defer stop()

	c := config.Default()
	c.Nodes.Platforms = []string{"linux/amd64"}
	e, err := engine.New(c, options)
	if err != nil {
		panic(err)
	}
	defer e.Close()
	pod := imagepull.Pod{Uses: []imagepull.Use{podspec.Image("registry.example/shop/edge:1.0")}}
	for _, f := range e.Check(context.Background(), pod, nil) {
		fmt.Println(f.Image, f.Reason)
	}
	// Output:
	// registry.example/shop/edge:1.0 PlatformMismatch
}
