package webhook_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// numberedThreats is the number of threats in the threat model.
const numberedThreats = 18

// threatCells is the number of cells of a row: threat, what Pullgate does, tests, and what is outside of its reach.
const threatCells = 4

var (
	threatNumber = regexp.MustCompile(`^(\d+)\. `)
	// testLink matches a test as the text of a link to its file: a function, and its subtest after a slash.
	testLink = regexp.MustCompile(`\[((?:Test|Fuzz)\w+)((?:/[^\]/]+)*)\]\(([^)\s]+_test\.go)\),? ?`)
)

// A test may be renamed or deleted. The claim that it holds would remain.
func TestThreatMapNamesTestsThatExist(t *testing.T) {
	t.Parallel()
	for _, problem := range threatProblems(readDocument(t, "webhook/THREATS.md")) {
		t.Errorf("webhook/THREATS.md: %s", problem)
	}
}

func TestThreatMapProblemsAreFound(t *testing.T) {
	t.Parallel()
	const head = "| threat | what Pullgate does | tests | outside of its reach |\n| --- | --- | --- | --- |\n"
	var all strings.Builder
	for n := range numberedThreats {
		fmt.Fprintf(&all, "| %d. Threat | Nothing. | | The operator. |\n", n+1)
	}
	numbered := all.String()
	const test, file = "[TestThreatMapProblemsAreFound](threats_test.go)", "threats_test.go"
	tests := map[string]struct {
		rows string
		want []string
	}{
		"a reason":                             {numbered, nil},
		"a test":                               {numbered + "| A | B. | " + test + " | |\n", nil},
		"several tests":                        {numbered + "| A | B. | " + test + ", [TestThreatMapNamesTestsThatExist](" + file + ") | C. |\n", nil},
		"a subtest":                            {numbered + "| A | B. | [TestThreatMapProblemsAreFound/a reason](" + file + ") | |\n", nil},
		"a subtest of another file's function": {numbered + "| A | B. | [TestImportMap/a reason](" + file + ") | |\n", nil},
		"with a build tag":                     {numbered + "| A | B. | [TestDrills/rolling restarts](../test/drills/drills_test.go) | |\n", nil},
		"no test and no reason": {
			numbered + "| A | B. | | |\n", []string{"A: it lacks both a test and a reason"},
		},
		"no claim":       {numbered + "| A | | " + test + " | |\n", []string{"A: it lacks what Pullgate does"}},
		"a missing cell": {numbered + "| A | B. | " + test + " |\n", []string{"A: it has 3 cells, want 4"}},
		"a missing file": {
			numbered + "| A | B. | [TestImportMap](absent/absent_test.go) | |\n", []string{"A: absent/absent_test.go does not exist"},
		},
		"a missing function": {
			numbered + "| A | B. | [TestAbsent](" + file + ") | |\n", []string{"A: package webhook has no TestAbsent"},
		},
		"a function of another file": {
			numbered + "| A | B. | [TestImportMap](" + file + ") | |\n", []string{"A: threats_test.go does not have TestImportMap"},
		},
		"a missing subtest": {
			numbered + "| A | B. | [TestImportMap/" + "ab" + "sent](imports_test.go) | |\n", []string{`A: package webhook has no subtest "absent"`},
		},
		"a name without a link": {
			numbered + "| A | B. | TestImportMap | |\n", []string{`A: "TestImportMap" is not the link of a test`},
		},
		"a missing threat": {strings.Replace(numbered, "| 7. ", "| ", 1), []string{"threat 7 has 0 rows, want 1"}},
		"a repeated threat": {
			strings.Replace(numbered, "| 7. ", "| 8. ", 1), []string{"threat 7 has 0 rows, want 1", "threat 8 has 2 rows, want 1"},
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tc.want, threatProblems(head+tc.rows)); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
		})
	}
}

// threatProblems returns the problems of the tables of a threat map.
func threatProblems(document string) []string {
	var problems []string
	counts := map[string]int{}
	packages := testPackages{}
	for _, row := range tableRows(document) {
		threat := row[0]
		if match := threatNumber.FindStringSubmatch(threat); match != nil {
			counts[match[1]]++
		}
		for _, problem := range rowProblems(row, packages) {
			problems = append(problems, threat+": "+problem)
		}
	}
	for n := range numberedThreats {
		if rows := counts[strconv.Itoa(n+1)]; rows != 1 {
			problems = append(problems, fmt.Sprintf("threat %d has %d rows, want 1", n+1, rows))
		}
	}
	return problems
}

// tableRows returns the cells of the rows of all tables, without their heads.
func tableRows(document string) [][]string {
	var rows [][]string
	for line := range strings.Lines(document) {
		line, isRow := strings.CutPrefix(strings.TrimSpace(line), "|")
		if !isRow {
			continue
		}
		var cells []string
		for cell := range strings.SplitSeq(strings.TrimSuffix(line, "|"), "|") {
			cells = append(cells, strings.TrimSpace(cell))
		}
		if strings.HasPrefix(cells[0], "---") {
			rows = rows[:len(rows)-1] // the row before is the head
			continue
		}
		rows = append(rows, cells)
	}
	return rows
}

func rowProblems(row []string, packages testPackages) []string {
	if len(row) != threatCells {
		return []string{fmt.Sprintf("it has %d cells, want %d", len(row), threatCells)}
	}
	var problems []string
	does, tests, reason := row[1], row[2], row[3]
	if does == "" {
		problems = append(problems, "it lacks what Pullgate does")
	}
	if tests == "" && reason == "" {
		problems = append(problems, "it lacks both a test and a reason")
	}
	if rest := testLink.ReplaceAllString(tests, ""); rest != "" {
		problems = append(problems, fmt.Sprintf("%q is not the link of a test", rest))
	}
	for _, link := range testLink.FindAllStringSubmatch(tests, -1) {
		var subtests []string
		if link[2] != "" {
			subtests = strings.Split(link[2][1:], "/")
		}
		if problem := packages.problem(link[3], link[1], subtests); problem != "" {
			problems = append(problems, problem)
		}
	}
	return problems
}

// testPackages has the names in each test file, by the folder and the name of the file.
type testPackages map[string]map[string]testNames

// testNames are the functions and the strings of a file. Most subtests have a string as their name.
type testNames struct{ functions, texts []string }

// problem returns why a file does not have a test, or nothing. The file must have the function or the last subtest. Another file of
// the package may have the rest.
func (p testPackages) problem(file, function string, subtests []string) string {
	folder := path.Join("webhook", path.Dir(file))
	if p[folder] == nil {
		p[folder] = parseTests(folder)
	}
	own, ok := p[folder][path.Base(file)]
	if !ok {
		return file + " does not exist"
	}
	var all testNames
	for _, names := range p[folder] {
		all.functions, all.texts = append(all.functions, names.functions...), append(all.texts, names.texts...)
	}
	if !slices.Contains(all.functions, function) {
		return "package " + folder + " has no " + function
	}
	for _, subtest := range subtests {
		if !slices.Contains(all.texts, subtest) {
			return fmt.Sprintf("package %s has no subtest %q", folder, subtest)
		}
	}
	if !slices.Contains(own.functions, function) && (len(subtests) == 0 || !slices.Contains(own.texts, subtests[len(subtests)-1])) {
		return file + " does not have " + strings.Join(append([]string{function}, subtests...), "/")
	}
	return ""
}

// parseTests parses the test files of a folder, whatever their build tags are. It leaves out files that do not parse.
func parseTests(folder string) map[string]testNames {
	all := map[string]testNames{}
	files, _ := filepath.Glob(filepath.Join("..", folder, "*_test.go"))
	for _, file := range files {
		tree, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if err != nil {
			continue
		}
		var names testNames
		for _, declaration := range tree.Decls {
			if f, ok := declaration.(*ast.FuncDecl); ok && f.Recv == nil {
				names.functions = append(names.functions, f.Name.Name)
			}
		}
		ast.Inspect(tree, func(n ast.Node) bool {
			if literal, ok := n.(*ast.BasicLit); ok && literal.Kind == token.STRING {
				text, _ := strconv.Unquote(literal.Value)
				names.texts = append(names.texts, text)
			}
			return true
		})
		all[filepath.Base(file)] = names
	}
	return all
}
