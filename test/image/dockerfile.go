package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// stage is the last stage of a Dockerfile.
type stage struct {
	files  []copied
	config v1.Config
}

// copied is a file with the path that it has where it was built, and the one that it gets in the image.
type copied struct{ from, to string }

// instruction is one line of a Dockerfile, after continuations are joined.
type instruction struct {
	line       int
	name, rest string
}

// parse reads the last stage. What it can't do is an error rather than left out: an image that is not what the
// Dockerfile says would prove nothing.
func parse(text string, args map[string]string) (stage, error) {
	var last []instruction
	for _, i := range instructions(text) {
		if i.name == "FROM" {
			last = []instruction{}
		} else if last != nil {
			last = append(last, i)
		}
	}
	if last == nil {
		return stage{}, errors.New(" there is no FROM")
	}
	var s stage
	for _, i := range last {
		if err := s.follow(i, args); err != nil {
			return stage{}, fmt.Errorf("%d: %s: %w", i.line, i.name, err)
		}
	}
	return s, nil
}

// instructions splits the text, and leaves comments and empty lines out.
func instructions(text string) []instruction {
	var all []instruction
	var begun string
	start := 0
	for n, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if begun == "" {
			start = n + 1
		}
		head, continues := strings.CutSuffix(line, `\`)
		begun += head
		if continues {
			continue
		}
		name, rest, _ := strings.Cut(begun, " ")
		all = append(all, instruction{line: start, name: strings.ToUpper(name), rest: strings.TrimSpace(rest)})
		begun = ""
	}
	return all
}

var (
	errUnknown = errors.New("this program does not know what to do")
	errForm    = errors.New("not in the form that this program knows")
)

// follow does what one instruction says.
func (s *stage) follow(i instruction, args map[string]string) (err error) {
	switch i.name {
	case "ARG":
		// The values come from outside.
	case "LABEL":
		s.config.Labels, err = labels(i.rest, args)
	case "COPY":
		err = s.copy(i.rest)
	case "USER":
		s.config.User = i.rest
	case "ENTRYPOINT":
		s.config.Entrypoint, err = words(i.rest)
	case "CMD":
		s.config.Cmd, err = words(i.rest)
	default:
		err = errUnknown
	}
	return err
}

// copy takes one file that another stage has built.
func (s *stage) copy(rest string) error {
	fields := strings.Fields(rest)
	if len(fields) != 3 || !strings.HasPrefix(fields[0], "--from=") || !strings.HasPrefix(fields[2], "/") {
		return errForm
	}
	s.files = append(s.files, copied{from: fields[1], to: fields[2]})
	return nil
}

// label matches key="value".
var label = regexp.MustCompile(`^([a-z.]+)="([^"]*)"\s*`)

func labels(rest string, args map[string]string) (map[string]string, error) {
	all := map[string]string{}
	for rest != "" {
		match := label.FindStringSubmatch(rest)
		if match == nil {
			return nil, errForm
		}
		all[match[1]] = os.Expand(match[2], func(name string) string { return args[name] })
		rest = rest[len(match[0]):]
	}
	return all, nil
}

// words reads the exec form, which is a JSON list.
func words(rest string) (list []string, err error) {
	if json.Unmarshal([]byte(rest), &list) != nil {
		return nil, errForm
	}
	return list, nil
}
