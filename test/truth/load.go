package truth

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"

	"github.com/pullgate/pullgate/webhook/imagepull"
)

// Load reads every scenario below the root, in the order of their names. All that is wrong with them is one error.
func Load(root fs.FS) ([]*Scenario, error) {
	var (
		all  []*Scenario
		errs []error
	)
	err := fs.WalkDir(root, ".", func(file string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || path.Ext(file) != ".yaml" {
			return err
		}
		data, err := fs.ReadFile(root, file)
		if err != nil {
			return err
		}
		s, err := parse(strings.TrimSuffix(file, ".yaml"), data)
		all, errs = append(all, s), append(errs, err)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("reading scenarios: %w", err)
	}
	return all, errors.Join(append(errs, checkNames(all))...)
}

func parse(name string, data []byte) (*Scenario, error) {
	s := &Scenario{}
	if err := yaml.UnmarshalStrict(data, s); err != nil {
		return s, fmt.Errorf("%s: %w", name, err)
	}
	s.Name = name
	if err := s.validate(); err != nil {
		return s, fmt.Errorf("%s: %w", name, err)
	}
	return s, nil
}

// longestID leaves room for an ending in the name of a namespace.
const longestID = 57

// validate refuses what would leave open what the scenario shows.
func (s *Scenario) validate() error {
	switch {
	case s.Title == "":
		return errors.New("it has no title")
	case len(s.ID()) > longestID:
		return fmt.Errorf("its name is longer than %d characters, and namespaces could not be named after it", longestID)
	case (s.Image == "") == (s.Pod == nil):
		return errors.New("it has an image or a pod, and not both")
	case !slices.Contains(imagepull.Reasons(), s.Expect):
		return fmt.Errorf("it expects %q, which is no reason", s.Expect)
	case s.Expect.Outcome() == imagepull.Indeterminate && s.Doubt == "":
		return errors.New("it expects doubt and does not say why a node could go either way")
	case s.Expect.Outcome() != imagepull.Indeterminate && s.Doubt != "":
		return errors.New("it explains a doubt that it does not expect")
	case s.Miss != "" && s.Expect.Outcome() != imagepull.Pullable:
		return errors.New("it explains a miss, though it expects no pull")
	}
	return nil
}

// Names are all that the scenario needs for itself: names of hosts, folders for hosts.toml files, and an object of the cluster.
func (s *Scenario) Names() []string {
	var names []string
	for _, r := range s.Registries {
		names = append(names, r.Name)
	}
	for dir := range s.Node.Hosts {
		names = append(names, dir)
	}
	if s.Hosting != "" {
		names = append(names, hosting)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// hosting is the name of the cluster's only description of its local registry.
const hosting = "local-registry-hosting"

// checkNames refuses a name that two scenarios use, unless it is one that the world has once only.
func checkNames(all []*Scenario) error {
	var errs []error
	owners := map[string]string{}
	for _, s := range all {
		for _, name := range s.Names() {
			if owner := owners[name]; owner != "" && !isUnique(name) {
				errs = append(errs, fmt.Errorf("%s: %s is the name of a registry of %s", s.Name, name, owner))
			}
			owners[name] = s.Name
		}
	}
	return errors.Join(errs...)
}

// IsExclusive reports whether the scenario says something of every registry.
func (s *Scenario) IsExclusive() bool { return slices.Contains(s.Names(), defaultHosts) }

// SharesNames reports whether a name means something else in another scenario.
func (s *Scenario) SharesNames() bool { return slices.ContainsFunc(s.Names(), isUnique) }

// defaultHosts is the folder for registries that have none of their own.
const defaultHosts = "_default"

// isUnique reports whether scenarios have to share a name, one after the other.
func isUnique(name string) bool {
	host, _, _ := strings.Cut(name, ":")
	return slices.Contains([]string{"docker.io", "registry-1.docker.io", "localhost", "127.0.0.1", hosting, defaultHosts}, host)
}
