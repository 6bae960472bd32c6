package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"go.yaml.in/yaml/v3"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/pullgate/pullgate/webhook/config"
)

// configurationKey is the key of a ConfigMap with the configuration, as in the manifests.
const configurationKey = "config.yaml"

func newConfigCommand(streams genericiooptions.IOStreams) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "config",
		Short: "Validate, print or describe the configuration file",
		Args:  cobra.NoArgs,
	}
	cmd.AddCommand(newValidateCommand(streams), newDefaultCommand(streams), newSchemaCommand(streams))
	return cmd
}

func newValidateCommand(streams genericiooptions.IOStreams) *cobra.Command {
	return &cobra.Command{
		Use:   "validate FILE...",
		Short: "Report every error in configuration files",
		Long: `Report every error in configuration files, each with its line. The file - is standard input.

A file may be a manifest with ConfigMaps, such as the output of kustomize. Their key ` + configurationKey + ` is validated.

A valid file is printed with its hash. The metric pullgate_config_info has the hash of the configuration that a replica uses. Files and
directories that a configuration names are not read: they exist where Pullgate runs.

Exit status: 0 all files are valid; 2 a file has an error or cannot be read.`,
		Example: `  pullgate config validate config.yaml
  kustomize build manifests/self-signed | pullgate config validate -`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(_ *cobra.Command, files []string) error { return validateFiles(streams, files) },
	}
}

func newDefaultCommand(streams genericiooptions.IOStreams) *cobra.Command {
	return &cobra.Command{
		Use:   "default",
		Short: "Print a configuration file with every key, its default and its meaning",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			_, err := streams.Out.Write(config.DefaultFile())
			return err
		},
	}
}

func newSchemaCommand(streams genericiooptions.IOStreams) *cobra.Command {
	return &cobra.Command{
		Use:   "schema",
		Short: "Print the JSON schema of configuration files, for editors",
		Long: `Print the JSON schema (draft 2020-12) of configuration files, for editors. With the YAML language server, a file names its schema:

  # yaml-language-server: $schema=pullgate.schema.json

The command validate also finds errors that a schema cannot describe.`,
		Example: "  pullgate config schema >pullgate.schema.json",
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			text, err := config.Schema()
			if err != nil {
				return err
			}
			_, err = streams.Out.Write(text)
			return err
		},
	}
}

// validateFiles prints the result of each file. It validates all of them.
func validateFiles(streams genericiooptions.IOStreams, files []string) error {
	valid := true
	for _, file := range files {
		found, err := readConfigurations(streams.In, file)
		if err != nil {
			valid = false
			fmt.Fprintf(streams.ErrOut, "%s: %v\n", file, err)
		}
		for _, c := range found {
			if _, err := config.Load(c.padded()); err != nil {
				valid = false
				for line := range strings.Lines(err.Error()) {
					fmt.Fprintf(streams.ErrOut, "%s: %s\n", c.name, strings.TrimSuffix(line, "\n"))
				}
				continue
			}
			fmt.Fprintf(streams.Out, "%s: valid, hash %s\n", c.name, configurationHash(c.text))
		}
	}
	if !valid {
		return exitError(exitUsage)
	}
	return nil
}

// namedConfiguration is the text of a configuration.
type namedConfiguration struct {
	name string
	text []byte
	// before is the number of lines before the text in its file.
	before int
}

// padded returns the text with as many empty lines before it, so that errors have the lines of the file.
func (c namedConfiguration) padded() []byte {
	return append(bytes.Repeat([]byte("\n"), c.before), c.text...)
}

// readConfigurations returns the configuration in a file, or the configurations in its ConfigMaps.
func readConfigurations(stdin io.Reader, file string) ([]namedConfiguration, error) {
	var data []byte
	var err error
	if file == "-" {
		file = "standard input"
		data, err = io.ReadAll(stdin)
	} else {
		data, err = os.ReadFile(file)
	}
	if err != nil {
		return nil, fmt.Errorf("reading: %w", cause(err))
	}
	maps := configMaps(data)
	if len(maps) == 0 {
		return []namedConfiguration{{name: file, text: data}}, nil
	}
	var all []namedConfiguration
	for _, m := range maps {
		value := member(member(m, "data"), configurationKey)
		if value == nil {
			continue
		}
		c := namedConfiguration{name: file, text: []byte(value.Value), before: value.Line}
		if value.Style&yaml.LiteralStyle == 0 {
			// Other texts have other lines than the file.
			c.name, c.before = fmt.Sprintf("%s, key %s in line %d", file, configurationKey, value.Line), 0
		}
		all = append(all, c)
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("no ConfigMap has the key %s", configurationKey)
	}
	return all, nil
}

// configMaps returns the ConfigMaps in a file of YAML documents. A file that is not valid YAML has none.
func configMaps(data []byte) []*yaml.Node {
	var all []*yaml.Node
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	for {
		var document yaml.Node
		err := decoder.Decode(&document)
		switch {
		case errors.Is(err, io.EOF):
			return all
		case err != nil:
			return nil
		}
		if kind := member(document.Content[0], "kind"); kind != nil && kind.Value == "ConfigMap" {
			all = append(all, document.Content[0])
		}
	}
}

// member returns the value of a key of a mapping, or nil.
func member(mapping *yaml.Node, key string) *yaml.Node {
	if mapping == nil || mapping.Kind != yaml.MappingNode {
		return nil
	}
	for pair := range slices.Chunk(mapping.Content, 2) {
		if pair[0].Value == key {
			return pair[1]
		}
	}
	return nil
}
