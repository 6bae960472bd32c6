package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strconv"

	"sigs.k8s.io/yaml"

	"github.com/pullgate/pullgate/webhook/imagepull"
)

// APIVersion and Kind identify the reports for machines.
const (
	APIVersion = "pullgate.dev/v1alpha1"
	Kind       = "CheckReport"
)

// checkReport is the report for machines. The names and the order of its keys are stable.
type checkReport struct {
	APIVersion string    `json:"apiVersion"`
	Kind       string    `json:"kind"`
	Summary    Summary   `json:"summary"`
	Findings   []finding `json:"findings"`
}

// finding is one entry. Suggestion is always empty today: verdicts carry no suggestion.
type finding struct {
	Source     string              `json:"source"`
	Object     *ObjectRef          `json:"object,omitempty"`
	Path       string              `json:"path"`
	Container  string              `json:"container"`
	Image      string              `json:"image"`
	Outcome    imagepull.Outcome   `json:"outcome"`
	Reason     imagepull.Reason    `json:"reason"`
	Message    string              `json:"message"`
	Suggestion string              `json:"suggestion"`
	Digest     string              `json:"digest"`
	Credential string              `json:"credential"`
	Warnings   []imagepull.Warning `json:"advice"`
}

// WriteJSON writes the report as a CheckReport in JSON.
func WriteJSON(w io.Writer, r Report) error {
	document, err := r.marshal()
	if err == nil {
		_, err = w.Write(document)
	}
	if err != nil {
		return fmt.Errorf("writing JSON report: %w", err)
	}
	return nil
}

// WriteYAML writes the report as a CheckReport in YAML, with keys in alphabetical order, as in kubectl.
func WriteYAML(w io.Writer, r Report) error {
	document, err := r.marshal()
	if err == nil {
		document, err = yaml.JSONToYAML(document)
	}
	if err == nil {
		_, err = w.Write(document)
	}
	if err != nil {
		return fmt.Errorf("writing YAML report: %w", err)
	}
	return nil
}

// marshal returns the report as indented JSON, without escapes for HTML.
func (r Report) marshal() ([]byte, error) {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	err := encoder.Encode(r.forMachines())
	return escapeInvisible(b.Bytes()), err
}

// escapeInvisible replaces characters that control a terminal, or that YAML forbids, by JSON escapes. They occur only in
// strings. encoding/json escapes the ASCII ones except DEL. Characters above U+FFFF need no escape.
func escapeInvisible(document []byte) []byte {
	var b bytes.Buffer
	for _, r := range string(document) {
		if r > '~' && r <= 0xffff && !strconv.IsPrint(r) {
			fmt.Fprintf(&b, `\u%04x`, r)
			continue
		}
		b.WriteRune(r)
	}
	return b.Bytes()
}

func (r Report) forMachines() checkReport {
	findings := make([]finding, 0, len(r.Entries))
	for _, entry := range r.Entries {
		findings = append(findings, entry.forMachines())
	}
	return checkReport{APIVersion: APIVersion, Kind: Kind, Summary: r.Summary(), Findings: findings}
}

// forMachines returns an empty list of warnings instead of null, so that readers need not handle both.
func (e Entry) forMachines() finding {
	f := e.Finding
	return finding{
		Source: e.Source, Object: e.Object, Path: f.Path, Container: f.Name, Image: f.Image,
		Outcome: f.Outcome(), Reason: f.Reason, Message: f.Detail, Digest: f.Digest, Credential: f.Credential,
		Warnings: append([]imagepull.Warning{}, f.Warnings...),
	}
}
