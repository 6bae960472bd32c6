package main

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"

	"github.com/pullgate/pullgate/webhook/config"
)

// loadConfiguration reads a configuration file. Without a name it returns the default. The hash identifies its version.
func loadConfiguration(file string) (c config.Configuration, hash string, err error) {
	var data []byte
	if file != "" {
		if data, err = os.ReadFile(file); err != nil {
			return config.Configuration{}, "", fmt.Errorf("reading the configuration: %w", err)
		}
	}
	if c, err = config.Load(data); err != nil {
		return config.Configuration{}, "", fmt.Errorf("configuration %s:\n%w", file, err)
	}
	return c, configurationHash(data), nil
}

// configurationHash returns the first 12 digits that sha256sum prints for a file with this content.
func configurationHash(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:6])
}
