package truth

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
)

// WriteHosts writes the scenario's folders of hosts.toml files below the root, in containerd's layout. It returns a
// function that removes them.
func (f *Fixture) WriteHosts(root string) (remove func() error, err error) {
	var dirs []string
	remove = func() error {
		for _, dir := range dirs {
			if err := os.RemoveAll(dir); err != nil {
				return fmt.Errorf("removing hosts.toml files: %w", err)
			}
		}
		return nil
	}
	for name, text := range f.hosts() {
		dir := filepath.Join(root, name)
		dirs = append(dirs, dir)
		if text, err = substitute(text, f.known); err == nil {
			err = writeFolder(dir, map[string][]byte{"hosts.toml": []byte(text), "ca.crt": f.CA.PEM()})
		}
		if err != nil {
			return remove, fmt.Errorf("%s: hosts of %s: %w", f.Scenario.Name, name, err)
		}
	}
	return remove, nil
}

// hosts returns the content of the scenario's hosts.toml files by the names of their folders.
func (f *Fixture) hosts() map[string]string {
	all := map[string]string{}
	for _, r := range f.Scenario.Registries {
		if !r.NoHosts && !r.PlainHTTP && !r.Untrusted {
			all[hostsFolder(r.Name)] = fmt.Sprintf("server = \"https://%s\"\nca = \"ca.crt\"\n", r.Name)
		}
	}
	for name, text := range f.Scenario.Node.Hosts {
		all[hostsFolder(name)] = text
	}
	return all
}

// hostsFolder returns the folder's name without a colon. containerd reads both forms.
func hostsFolder(name string) string {
	if host, port, err := net.SplitHostPort(name); err == nil {
		return host + "_" + port + "_"
	}
	return name
}

func writeFolder(dir string, files map[string][]byte) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	for name, data := range files {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			return err
		}
	}
	return nil
}
