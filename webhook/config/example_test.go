package config_test

import (
	"fmt"

	"github.com/pullgate/pullgate/webhook/config"
)

func ExampleLoad() {
	configuration, err := config.Load([]byte(`
defaultMode: enforce
timeouts: {request: 1s}
`))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(configuration.DefaultMode, configuration.Timeouts.Request.Duration, configuration.Timeouts.Admission.Duration)
	// Output: enforce 1s 8s
}

// Every mistake is told at once.
func ExampleLoad_mistakes() {
	_, err := config.Load([]byte(`
defaultMode: strict
retry: {factor: 0.5, atempts: 3}
skipRegistries: ["https://registry.example/"]
`))
	fmt.Println(err)
	// Output:
	// retry.atempts: Forbidden: unknown key (line 3): remove it or correct its name
	// defaultMode: Unsupported value: "strict": supported values: "enforce", "warn", "audit", "off"
	// retry.factor: Invalid value: 0.5: must be at least 1
	// skipRegistries[0]: Invalid value: "https://registry.example/": must be a host without a scheme: remove everything up to ://
}
