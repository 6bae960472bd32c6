package podspec_test

import (
	"errors"
	"fmt"

	"github.com/pullgate/pullgate/webhook/podspec"
)

func ExampleDecode() {
	object, err := podspec.Decode([]byte(`{
		"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"},
		"spec": {"template": {"spec": {"containers": [{"name": "web", "image": "nginx:1.27"}]}}}
	}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, use := range object.Pod.Uses {
		fmt.Println(use.Path, use.Reference, use.PullPolicy)
	}
	// Output: spec.template.spec.containers[0].image docker.io/library/nginx:1.27 IfNotPresent
}

func ExampleDecode_noPods() {
	_, err := podspec.Decode([]byte(`{"apiVersion": "v1", "kind": "Service"}`))
	fmt.Println(errors.Is(err, podspec.ErrNoPods), err)
	// Output: true this kind of object has no pods
}

func ExampleParseReference() {
	ref, err := podspec.ParseReference("registry.example/shop/web:1.27")
	fmt.Println(ref.Domain, ref.Path, ref.Tag, err)
	_, err = podspec.ParseReference("Nginx")
	fmt.Println(err)
	// Output:
	// registry.example shop/web 1.27 <nil>
	// repository name must be lowercase
}
