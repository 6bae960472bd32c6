package config_test

import (
	"fmt"

	"github.com/pullgate/pullgate/webhook/config"
)

func ExampleLoad() {
	c, err := config.Load([]byte(`
defaultMode: enforce
timeouts: {request: 1s}
`))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(c.DefaultMode, c.Timeouts.Request, c.Timeouts.Admission)
	// Output: enforce 1s 8s
}

// Load reports every mistake, in the order of the file.
func ExampleLoad_mistakes() {
	_, err := config.Load([]byte(`
defaultMode: strict
retry: {factor: 0.5, atempts: 3}
skipRegistries: ["https://registry.example/"]
`))
	fmt.Println(err)
	// Output:
	// line 2: defaultMode: Unsupported value: "strict": supported values: "enforce", "warn", "audit", "off"
	// line 3: retry.atempts: unknown key: remove it or correct its name
	// line 3: retry.factor: Invalid value: 0.5: must be at least 1
	// line 4: skipRegistries[0]: Invalid value: "https://registry.example/": must be a host without a scheme: remove everything up to ://
}

// A configuration that was changed after Load, by a flag for instance, is validated again.
func ExampleConfiguration_Validate() {
	c := config.Default()
	c.Nodes.Platforms = []string{"amd64"}
	fmt.Println(c.Validate())
	// Output:
	// nodes.platforms[0]: Invalid value: "amd64": must be os/architecture[/variant], such as "linux/amd64" or "linux/arm64/v8"
}
