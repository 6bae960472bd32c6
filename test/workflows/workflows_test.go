// Package workflows checks the workflows of GitHub Actions, and the configuration of goreleaser and Dependabot.
package workflows

import (
	"bytes"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

const root = "../.."

// workflow is a workflow, as far as these tests read it.
type workflow struct {
	Permissions map[string]string
	Concurrency struct{ Group string }
	Jobs        map[string]job
}

type job struct {
	Uses        string
	Timeout     int `yaml:"timeout-minutes"`
	Permissions map[string]string
	Strategy    struct{ Matrix map[string][]string }
	Steps       []step
}

type step struct {
	Uses, Run string
	With      map[string]any
}

// texts returns the content of every workflow by its name.
func texts(t *testing.T) map[string][]byte {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(root, ".github/workflows/*"))
	if err != nil {
		t.Fatal(err)
	}
	all := map[string][]byte{}
	for _, name := range names {
		all[filepath.Base(name)] = read(t, name)
	}
	want := []string{"kind.yaml", "lint.yaml", "release.yaml", "test.yaml"}
	if got := slices.Sorted(maps.Keys(all)); !slices.Equal(got, want) {
		t.Fatalf("the workflows are %v, want %v", got, want)
	}
	return all
}

func read(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// workflows returns every workflow by its name.
func workflows(t *testing.T) map[string]workflow {
	t.Helper()
	all := map[string]workflow{}
	for name, text := range texts(t) {
		var w workflow
		decode(t, name, text, &w)
		all[name] = w
	}
	return all
}

func decode(t *testing.T, name string, text []byte, into any) {
	t.Helper()
	if err := yaml.NewDecoder(bytes.NewReader(text)).Decode(into); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}

// pinned matches an action at a commit, with the version of the commit in a comment.
var pinned = regexp.MustCompile(`uses: [a-z-]+/[a-z-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$`)

func TestActionsArePinnedToACommit(t *testing.T) {
	t.Parallel()
	versions := map[string]string{}
	for name, text := range texts(t) {
		for n, line := range strings.Split(string(text), "\n") {
			if !strings.Contains(line, "uses:") || strings.Contains(line, "uses: ./.github/workflows/") {
				continue
			}
			if !pinned.MatchString(line) {
				t.Errorf("%s:%d: %q is not pinned to a commit with a version in a comment", name, n+1, strings.TrimSpace(line))
				continue
			}
			_, used, _ := strings.Cut(line, "uses: ")
			action, version, _ := strings.Cut(used, "@")
			if other := versions[action]; other != "" && other != version {
				t.Errorf("%s:%d: %s has two versions, %s and %s", name, n+1, action, version, other)
			}
			versions[action] = version
		}
	}
	if len(versions) == 0 {
		t.Error("no workflow uses an action")
	}
}

func TestWorkflowsMayOnlyReadUnlessAJobSaysSo(t *testing.T) {
	t.Parallel()
	allowed := map[string]map[string]string{
		"release.yaml/release": {"contents": "write", "packages": "write", "id-token": "write", "attestations": "write"},
	}
	for name, w := range workflows(t) {
		if want := map[string]string{"contents": "read"}; !maps.Equal(w.Permissions, want) {
			t.Errorf("%s: the permissions are %v, want %v", name, w.Permissions, want)
		}
		for id, j := range w.Jobs {
			if want := allowed[name+"/"+id]; !maps.Equal(j.Permissions, want) {
				t.Errorf("%s: job %s has the permissions %v, want %v", name, id, j.Permissions, want)
			}
		}
	}
}

func TestWorkflowsHaveAGroupAndJobsHaveATimeout(t *testing.T) {
	t.Parallel()
	for name, w := range workflows(t) {
		if w.Concurrency.Group == "" {
			t.Errorf("%s: concurrency has no group", name)
		}
		for id, j := range w.Jobs {
			if j.Uses == "" && j.Timeout == 0 {
				t.Errorf("%s: job %s has no timeout-minutes", name, id)
			}
		}
	}
}

// expression matches an expression of GitHub Actions. In a script, the author of a branch or tag would control its text.
var expression = regexp.MustCompile(`\$\{\{`)

func TestScriptsHaveNoExpressions(t *testing.T) {
	t.Parallel()
	for name, w := range workflows(t) {
		for id, j := range w.Jobs {
			for _, s := range j.Steps {
				if expression.MatchString(s.Run) {
					t.Errorf("%s: job %s has an expression in a script, use an environment variable:\n%s", name, id, s.Run)
				}
			}
		}
	}
}

// The newest patch has the fixes of the standard library. A version file would give the patch that go.mod requires.
func TestGoIsTheNewestPatchOfTheMinorInUse(t *testing.T) {
	t.Parallel()
	match := regexp.MustCompile(`(?m)^go (1\.\d+)\.`).FindSubmatch(read(t, filepath.Join(root, "go.mod")))
	if match == nil {
		t.Fatal("go.mod has no version")
	}
	for name, w := range workflows(t) {
		for id, j := range w.Jobs {
			for _, s := range j.Steps {
				if got, want := s.With["go-version"], string(match[1]); strings.Contains(s.Uses, "setup-go") && got != want {
					t.Errorf("%s: job %s uses Go %v, want %s", name, id, got, want)
				}
			}
		}
	}
}

var (
	makeCommand = regexp.MustCompile(`(?m)(?:^|&& )make ([^\n&|;]*)`)
	makeTarget  = regexp.MustCompile(`(?m)^([a-zA-Z0-9_./ -]+):(?:[^=]|$)`)
)

func TestMakeTargetsExist(t *testing.T) {
	t.Parallel()
	targets := makeTargets(t)
	var count int
	for name, w := range workflows(t) {
		for id, j := range w.Jobs {
			for _, s := range j.Steps {
				for _, command := range makeCommand.FindAllStringSubmatch(s.Run, -1) {
					for _, word := range strings.Fields(command[1]) {
						count++
						if !strings.Contains(word, "=") && !slices.Contains(targets, word) {
							t.Errorf("%s: job %s: make has no target %q", name, id, word)
						}
					}
				}
			}
		}
	}
	if count == 0 {
		t.Error("no workflow runs make")
	}
}

// makeTargets returns the targets with a rule.
func makeTargets(t *testing.T) []string {
	t.Helper()
	var all []string
	for _, name := range []string{"Makefile", "test/tools/tools.mk"} {
		for _, rule := range makeTarget.FindAllStringSubmatch(string(read(t, filepath.Join(root, name))), -1) {
			all = append(all, strings.Fields(rule[1])...)
		}
	}
	return all
}

// nodeImage matches an image of a kind node, and its minor.
var nodeImage = regexp.MustCompile(`^kindest/node:v1\.(\d+)\.\d+@sha256:[0-9a-f]{64}$`)

func TestKindRunsOnTheLastFourMinors(t *testing.T) {
	t.Parallel()
	var got []int
	for _, image := range workflows(t)["kind.yaml"].Jobs["kind"].Strategy.Matrix["node"] {
		match := nodeImage.FindStringSubmatch(image)
		if match == nil {
			t.Errorf("%s is not pinned to a digest", image)
			continue
		}
		minor, _ := strconv.Atoi(match[1])
		got = append(got, minor)
	}
	newest := minorOf(t, "test/tools/kubernetes/go.mod")
	if want := []int{newest, newest - 1, newest - 2, newest - 3}; !slices.Equal(got, want) {
		t.Errorf("the minors are %v, want %v", got, want)
	}
}

// minorOf returns the minor of Kubernetes that a module pins.
func minorOf(t *testing.T, name string) int {
	t.Helper()
	match := regexp.MustCompile(`k8s\.io/kubernetes v1\.(\d+)\.`).FindSubmatch(read(t, filepath.Join(root, name)))
	if match == nil {
		t.Fatalf("%s does not require k8s.io/kubernetes", name)
	}
	minor, _ := strconv.Atoi(string(match[1]))
	return minor
}

func TestOldestMinorIsTheDocumentedOne(t *testing.T) {
	t.Parallel()
	want := fmt.Sprintf("Kubernetes 1.%d or newer", minorOf(t, "test/tools/kubernetes/oldest/go.mod"))
	if !bytes.Contains(read(t, filepath.Join(root, "manifests/README.md")), []byte(want)) {
		t.Errorf("manifests/README.md does not say %q", want)
	}
}

func TestDependabotUpdatesEveryModule(t *testing.T) {
	t.Parallel()
	var config struct {
		Updates []struct {
			Ecosystem   string `yaml:"package-ecosystem"`
			Directory   string
			Directories []string
		}
	}
	decode(t, "dependabot.yml", read(t, filepath.Join(root, ".github/dependabot.yml")), &config)
	var patterns, ecosystems []string
	for _, u := range config.Updates {
		ecosystems = append(ecosystems, u.Ecosystem)
		if u.Ecosystem == "gomod" {
			patterns = append(append(patterns, u.Directories...), u.Directory)
		}
	}
	if !slices.Contains(ecosystems, "github-actions") {
		t.Error("Dependabot does not update actions")
	}
	for _, dir := range modules(t) {
		updates := slices.ContainsFunc(patterns, func(p string) bool { ok, _ := path.Match(p, dir); return ok })
		// The oldest supported minor stays.
		if want := dir != "/test/tools/kubernetes/oldest"; updates != want {
			t.Errorf("Dependabot updates %s: %t, want %t", dir, updates, want)
		}
	}
}

// modules returns the folder of each module, from the top.
func modules(t *testing.T) []string {
	t.Helper()
	var all []string
	err := fs.WalkDir(os.DirFS(root), ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (name == "bin" || strings.HasPrefix(name, ".") && name != "."):
			return fs.SkipDir
		case entry.Name() == "go.mod":
			all = append(all, path.Join("/", path.Dir(name)))
		}
		return nil
	})
	if err != nil {
		t.Fatalf("listing the modules: %v", err)
	}
	if len(all) < 5 {
		t.Fatalf("there are %d modules, want more", len(all))
	}
	return all
}

// TestReleasedProgramIsTheProgramOfTheImage compares the flags of goreleaser and make.
func TestReleasedProgramIsTheProgramOfTheImage(t *testing.T) {
	t.Parallel()
	var config struct {
		Builds []struct {
			Env, Flags, Ldflags, Goos, Goarch []string
			Time                              string `yaml:"mod_timestamp"`
		}
	}
	decode(t, ".goreleaser.yaml", read(t, filepath.Join(root, ".goreleaser.yaml")), &config)
	if len(config.Builds) != 1 {
		t.Fatalf("there are %d builds, want 1", len(config.Builds))
	}
	b := config.Builds[0]
	if b.Time != "{{ .CommitTimestamp }}" {
		t.Errorf("mod_timestamp is %q: archives would have the time of their build", b.Time)
	}
	got := fmt.Sprintf("%s $(GO) build %s -ldflags '%s'",
		strings.Join(b.Env, " "), strings.Join(b.Flags, " "), strings.Join(b.Ldflags, " "))
	want := "BUILD = " + strings.ReplaceAll(got, "v{{ .Version }}", "$(VERSION)") + "\n"
	if !bytes.Contains(read(t, filepath.Join(root, "Makefile")), []byte(want)) {
		t.Errorf("the Makefile has no line %q", want)
	}
}
