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

// Load reads all scenarios below the root in the order of their names. It returns all errors as one.
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

// Select returns the scenarios whose names match one of the patterns, which are separated by commas. Without a pattern
// it returns all.
func Select(all []*Scenario, patterns string) ([]*Scenario, error) {
	if patterns == "" {
		return all, nil
	}
	var chosen []*Scenario
	for _, s := range all {
		for _, pattern := range strings.Split(patterns, ",") {
			matches, err := path.Match(pattern, s.Name)
			if err != nil {
				return nil, fmt.Errorf("selecting scenarios: %q: %w", pattern, err)
			}
			if matches {
				chosen = append(chosen, s)
				break
			}
		}
	}
	if chosen == nil {
		return nil, fmt.Errorf("selecting scenarios: no name matches %q", patterns)
	}
	return chosen, nil
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

// longestID leaves room for a suffix in the name of a namespace.
const longestID = 57

// validate rejects a scenario that leaves its result open.
func (s *Scenario) validate() error {
	switch {
	case s.Title == "":
		return errors.New("title is missing")
	case len(s.ID()) > longestID:
		return fmt.Errorf("name is longer than %d characters, which is too long for a namespace", longestID)
	case (s.Image == "") == (s.Pod == nil):
		return errors.New("exactly one of image and pod is required")
	case !slices.Contains(imagepull.Reasons(), s.Expect):
		return fmt.Errorf("expect: unknown reason %q", s.Expect)
	case s.Expect.Outcome() == imagepull.Indeterminate && s.Indeterminate == "":
		return errors.New("expect is indeterminate, so indeterminate must explain why")
	case s.Expect.Outcome() != imagepull.Indeterminate && s.Indeterminate != "":
		return errors.New("indeterminate is set, but expect is not indeterminate")
	case s.Miss != "" && s.Expect.Outcome() != imagepull.Pullable:
		return errors.New("miss is set, but expect is not pullable")
	}
	for i := range s.Registries {
		if r := &s.Registries[i]; !slices.Contains([]View{EveryView, NodeView, PullgateView}, r.SeenBy) {
			return fmt.Errorf("registry %s: seenBy must be %s or %s", r.Name, NodeView, PullgateView)
		}
	}
	return nil
}

// HasViews reports whether a name leads Pullgate elsewhere than the node.
func (s *Scenario) HasViews() bool {
	return slices.ContainsFunc(s.Registries, func(r Registry) bool { return r.SeenBy != EveryView })
}

// Names returns the names that only one scenario may use at a time: hosts, folders of hosts.toml files, and an object
// of the cluster.
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

// hosting is the name of the ConfigMap that describes the cluster's local registry.
const hosting = "local-registry-hosting"

// checkNames returns an error if two scenarios use the same name, unless the name exists only once.
func checkNames(all []*Scenario) error {
	var errs []error
	owners := map[string]string{}
	for _, s := range all {
		for _, name := range s.Names() {
			if owner := owners[name]; owner != "" && !isUnique(name) {
				errs = append(errs, fmt.Errorf("%s: the name %s belongs to %s", s.Name, name, owner))
			}
			owners[name] = s.Name
		}
	}
	return errors.Join(errs...)
}

// IsExclusive reports whether the scenario affects every registry.
func (s *Scenario) IsExclusive() bool { return slices.Contains(s.Names(), defaultHosts) }

// SharesNames reports whether another scenario uses one of its names for another registry.
func (s *Scenario) SharesNames() bool { return slices.ContainsFunc(s.Names(), isUnique) }

// defaultHosts is the folder for registries without a folder of their own.
const defaultHosts = "_default"

// isUnique reports whether the name exists only once, so that scenarios must use it one after another.
func isUnique(name string) bool {
	host, _, _ := strings.Cut(name, ":")
	return slices.Contains([]string{"docker.io", "registry-1.docker.io", "localhost", "127.0.0.1", hosting, defaultHosts}, host)
}
