package main

import (
	"fmt"
	"os"

	"github.com/pullgate/pullgate/webhook/config"
)

// loadConfiguration reads a configuration file. Without a name it returns the default.
func loadConfiguration(file string) (config.Configuration, error) {
	if file == "" {
		return config.Default(), nil
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return config.Configuration{}, fmt.Errorf("reading the configuration: %w", err)
	}
	c, err := config.Load(data)
	if err != nil {
		return config.Configuration{}, fmt.Errorf("configuration %s:\n%w", file, err)
	}
	return c, nil
}
