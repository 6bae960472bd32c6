package main

import (
	"encoding/json"
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericiooptions"
)

// version is set by the linker (see the Makefile).
var version string

// versionString returns the version that the linker set, or else the version of the module.
func versionString() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(devel)"
}

// revision returns the revision of the source, or "unknown" if the binary was built without it.
func revision() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				return s.Value
			}
		}
	}
	return "unknown"
}

func userAgent() string { return "pullgate/" + versionString() }

// versionReport is the output of `version -o json`.
type versionReport struct {
	Version string `json:"version"`
	// Commit is empty if the program was built outside a clone, for example by `docker build` or `go install`.
	Commit    string `json:"commit,omitempty"`
	GoVersion string `json:"goVersion"`
	Platform  string `json:"platform"`
}

func newVersionReport() versionReport {
	r := versionReport{Version: versionString(), GoVersion: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	if info, ok := debug.ReadBuildInfo(); ok {
		r.Commit = commit(info.Settings)
	}
	return r
}

// commit returns the commit that the Go command recorded, with the suffix of `git describe` if files were modified.
func commit(settings []debug.BuildSetting) string {
	values := map[string]string{}
	for _, s := range settings {
		values[s.Key] = s.Value
	}
	revision := values["vcs.revision"]
	if revision != "" && values["vcs.modified"] == "true" {
		revision += "-dirty"
	}
	return revision
}

func newVersionCommand(streams genericiooptions.IOStreams) *cobra.Command {
	var output string
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			r := newVersionReport()
			switch output {
			case "":
				_, err := fmt.Fprintf(streams.Out, "pullgate %s (%s, %s)\n", r.Version, r.GoVersion, r.Platform)
				return err
			case "json":
				encoder := json.NewEncoder(streams.Out)
				encoder.SetIndent("", "  ")
				return encoder.Encode(r)
			}
			return fmt.Errorf("--output %q: use json, or leave it out", output)
		},
	}
	cmd.Flags().StringVarP(&output, "output", "o", "", "`format`: json adds the commit")
	return cmd
}
