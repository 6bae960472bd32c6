package webhook_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pullgate/pullgate/webhook/config"
	"github.com/pullgate/pullgate/webhook/imagepull"
)

func TestReadmeListsEveryReasonThatIsNotPullable(t *testing.T) {
	t.Parallel()
	readme := readDocument(t, "README.md")
	for _, reason := range imagepull.Reasons() {
		outcome := "indeterminate"
		switch reason.Outcome() {
		case imagepull.Pullable:
			continue
		case imagepull.Unpullable:
			outcome = "denied"
		case imagepull.Indeterminate:
		}
		if row := "| `" + string(reason) + "` | " + outcome + " |"; !strings.Contains(readme, row) {
			t.Errorf("README.md has no row that begins with %q", row)
		}
	}
}

func TestReadmeOfTheConfigurationStatesTheDefaults(t *testing.T) {
	t.Parallel()
	for path, value := range configurationRows(t) {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			keys := strings.Split(path, ".")
			file := strings.Join(keys, ": {") + ": " + value + strings.Repeat("}", len(keys)-1)
			got, err := config.Load([]byte("apiVersion: " + config.APIVersion + "\nkind: " + config.Kind + "\n" + file))
			if err != nil {
				t.Fatalf("loading %s: %v", file, err)
			}
			if diff := cmp.Diff(config.Default(), got); diff != "" {
				t.Errorf("%s is not the default (-want +got):\n%s", file, diff)
			}
		})
	}
}

func TestReadmeOfTheConfigurationListsEveryKey(t *testing.T) {
	t.Parallel()
	rows := configurationRows(t)
	for _, path := range configurationKeys(reflect.TypeFor[config.Configuration]()) {
		if _, ok := rows[path]; !ok && path != "apiVersion" && path != "kind" {
			t.Errorf("webhook/config/README.md has no row for %s", path)
		}
	}
}

// configurationRows returns the documented default of each key of the configuration, as YAML.
func configurationRows(t *testing.T) map[string]string {
	t.Helper()
	rows := map[string]string{}
	text := readDocument(t, "webhook/config/README.md")
	for _, row := range regexp.MustCompile("(?m)^\\| `([a-zA-Z.]+)` \\| `(.*?)` \\|").FindAllStringSubmatch(text, -1) {
		rows[row[1]] = row[2]
	}
	return rows
}

// configurationKeys returns the path of every key below a section of the configuration.
func configurationKeys(section reflect.Type) []string {
	var all []string
	for field := range section.Fields() {
		key := field.Tag.Get("yaml")
		if field.Type.Kind() != reflect.Struct {
			all = append(all, key)
			continue
		}
		for _, below := range configurationKeys(field.Type) {
			all = append(all, key+"."+below)
		}
	}
	return all
}

func TestMapOfTheCodeListsEveryPackage(t *testing.T) {
	t.Parallel()
	readme := readDocument(t, "webhook/README.md")
	for pkg := range importMap() {
		name, ok := strings.CutPrefix(pkg, "webhook/")
		if ok && !strings.Contains(readme, "| `"+name+"` | ") {
			t.Errorf("webhook/README.md has no row for package %s", name)
		}
	}
}

func TestRelativeLinksOfDocumentsResolve(t *testing.T) {
	t.Parallel()
	link := regexp.MustCompile(`\]\(([^)\s#:]*)(#[^)\s]*)?\)`)
	for _, document := range documents(t) {
		for _, match := range link.FindAllStringSubmatch(prose(readDocument(t, document)), -1) {
			target := document
			if match[1] != "" {
				target = filepath.Join(filepath.Dir(document), match[1])
			}
			if _, err := os.Stat(filepath.Join("..", target)); err != nil {
				t.Errorf("%s: link to %s: %v", document, match[1], err)
				continue
			}
			if anchor := strings.TrimPrefix(match[2], "#"); anchor != "" && !slices.Contains(anchors(readDocument(t, target)), anchor) {
				t.Errorf("%s: %s has no heading for #%s", document, target, anchor)
			}
		}
	}
}

// documents returns the paths of all Markdown files, relative to the top level.
func documents(t *testing.T) []string {
	t.Helper()
	var all []string
	err := fs.WalkDir(os.DirFS(".."), ".", func(p string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case e.IsDir() && (p == "bin" || p == ".git"):
			return fs.SkipDir
		case filepath.Ext(p) == ".md":
			all = append(all, p)
		}
		return nil
	})
	if err != nil || len(all) == 0 {
		t.Fatalf("finding documents: got %v, error %v", all, err)
	}
	return all
}

// prose returns Markdown without its code blocks.
func prose(text string) string {
	return regexp.MustCompile("(?ms)^```.*?^```").ReplaceAllString(text, "")
}

// anchors returns the fragments under which the headings of a document can be linked.
func anchors(text string) []string {
	var all []string
	for _, heading := range regexp.MustCompile(`(?m)^#+ (.+)$`).FindAllStringSubmatch(prose(text), -1) {
		kept := regexp.MustCompile(`[^\w\- ]`).ReplaceAllString(strings.ToLower(heading[1]), "")
		all = append(all, strings.ReplaceAll(kept, " ", "-"))
	}
	return all
}

// readDocument returns the text of a file, named relative to the top level.
func readDocument(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", path))
	if err != nil {
		t.Fatalf("reading a document: %v", err)
	}
	return string(data)
}
