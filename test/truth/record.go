package truth

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"

	"sigs.k8s.io/yaml"
)

// recordKey is the key of the record at the end of a file.
const recordKey = "kubelet:"

// Record writes the result on the kubelet into the scenario's file below dir. The rest of the file stays.
func (s *Scenario) Record(dir string, r Recorded) error {
	file := filepath.Join(dir, filepath.FromSlash(s.Name)+".yaml")
	data, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("reading a scenario: %w", err)
	}
	if i := bytes.Index(data, []byte("\n"+recordKey)); i >= 0 {
		data = data[:i+1]
	}
	block, err := yaml.Marshal(map[string]Recorded{"kubelet": r})
	if err != nil {
		return fmt.Errorf("encoding a record: %w", err)
	}
	if err := os.WriteFile(file, append(data, block...), 0o600); err != nil {
		return fmt.Errorf("writing a scenario: %w", err)
	}
	s.Kubelet = &r
	return nil
}
