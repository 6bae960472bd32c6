package credentials_test

import (
	"context"
	"fmt"

	"github.com/pullgate/pullgate/webhook/credentials"
	"github.com/pullgate/pullgate/webhook/credentials/secrets"
	"github.com/pullgate/pullgate/webhook/imagepull"
)

func ExampleSet_Lookup() {
	file, err := secrets.ParseFile([]byte(`{"auths": {
		"registry.example":      {"username": "alice", "password": "…"},
		"registry.example/shop": {"username": "bob", "password": "…"}
	}}`), "config.json")
	if err != nil {
		fmt.Println(err)
		return
	}
	node := credentials.Node{Source: secrets.Files{file}}
	set := node.Credentials(context.Background(), imagepull.Pod{Namespace: "shop"})
	for credential, problem := range set.Lookup(context.Background(), "registry.example/shop/web") {
		if problem.IsZero() {
			fmt.Println(credential.Username, "from", credential.Source)
		}
	}
	// Output:
	// bob from file/config.json
	// alice from file/config.json
}
