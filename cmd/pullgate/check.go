package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"
	"golang.org/x/term"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/pullgate/pullgate/webhook/config"
	"github.com/pullgate/pullgate/webhook/engine"
	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/report"
)

// parallelObjects bounds the number of objects that are checked in parallel. The images of each are checked in parallel too.
const parallelObjects = 8

type checkOptions struct {
	genericiooptions.IOStreams
	images      []string
	files       []string
	recursive   bool
	pullSecrets []string
	platforms   []string
	configFile  string
	output      string
	strict      bool
	deep        bool
	deepGiven   bool // otherwise the configuration decides
	cluster     clusterOptions
}

func newCheckCommand(streams genericiooptions.IOStreams) *cobra.Command {
	o := checkOptions{IOStreams: streams}
	cmd := &cobra.Command{
		Use:   "check [IMAGE...] [-f FILE|DIR|-]...",
		Short: "Check whether images can be pulled",
		Long: `Check whether images can be pulled: images on the command line, and the images of pods and workloads in manifests.

Pull secrets are read from the cluster of the kubeconfig, as its pods would get them. The nodes of the cluster are listed
for their platforms and images, if that is allowed, and the cluster's local registry is read. With --pull-secret, the
secrets in these files replace all pull secrets of the pods, and no cluster is read. With --offline, no cluster is read
either. An image on the command line is checked without credentials, unless --pull-secret or --service-account is given.

Exit status: 0 nothing is unpullable; 1 something is unpullable; 3 with --strict, something is indeterminate; 2 usage or
input error.`,
		Example: `  # A public image
  pullgate check nginx:1.27

  # All manifests in a directory, with the pull secrets of the current cluster
  pullgate check -f deploy/

  # In a pipeline, without a cluster
  pullgate check -f deploy/ --offline --pull-secret regcred.yaml --platform linux/amd64 -o json`,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.images, o.deepGiven = args, cmd.Flags().Changed("deep")
			return o.run(cmd.Context())
		},
	}
	o.addFlags(cmd)
	return cmd
}

func (o *checkOptions) addFlags(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringArrayVarP(&o.files, "filename", "f", nil, "manifest `file`, directory of manifests, or - for standard input; may be repeated")
	flags.BoolVarP(&o.recursive, "recursive", "R", false, "read subdirectories too")
	flags.StringArrayVar(&o.pullSecrets, "pull-secret", nil, "`file` with a Secret manifest or a docker config.json; may be repeated")
	flags.StringArrayVar(&o.platforms, "platform", nil, "`os/arch[/variant]` of the nodes, instead of the platforms that they report; may be repeated")
	flags.StringVar(&o.configFile, "config", "", "configuration `file`; defaults apply without it")
	flags.StringVarP(&o.output, "output", "o", "table", "`format`: table, json or yaml")
	flags.BoolVar(&o.deep, "deep", false, "check the contents of images too: the configuration and every layer")
	flags.BoolVar(&o.strict, "strict", false, "exit with status 3 if something is indeterminate")
	o.cluster.addFlags(flags)
}

// run checks all targets, prints the report, and returns the exit status as an exitError.
func (o *checkOptions) run(ctx context.Context) error {
	c, err := o.configuration()
	if err != nil {
		return err
	}
	targets, warnings, err := o.targets()
	if err != nil {
		return err
	}
	creds, err := o.credentials(targets)
	if err != nil {
		return err
	}
	log := slog.New(slog.NewTextHandler(o.ErrOut, nil))
	info, err := o.clusterInfo(ctx, c.Nodes, log)
	if err != nil {
		return err
	}
	e, err := engine.New(c, engine.Options{Credentials: creds, Cluster: info.Cluster, UserAgent: userAgent(), Log: log})
	if err != nil {
		return err
	}
	defer e.Close()
	entries, err := o.check(ctx, e, c, targets)
	if err != nil {
		return err
	}
	r := report.Report{Entries: entries, Warnings: append(warnings, info.warnings...)}
	if err := o.write(r); err != nil {
		return err
	}
	return o.status(r.Summary())
}

// configuration returns the configuration of the file, changed by the flags.
func (o *checkOptions) configuration() (config.Configuration, error) {
	if !slices.Contains([]string{"table", "json", "yaml"}, o.output) {
		return config.Configuration{}, fmt.Errorf("--output %q: use table, json or yaml", o.output)
	}
	if len(o.images) == 0 && len(o.files) == 0 {
		return config.Configuration{}, errors.New("nothing to check: name an image, or manifests with -f")
	}
	c, _, err := loadConfiguration(o.configFile)
	if err != nil {
		return c, err
	}
	if len(o.platforms) > 0 {
		c.Nodes.Platforms = o.platforms
		if err := c.Validate(); err != nil {
			return c, fmt.Errorf("--platform: %w", err)
		}
	}
	if o.deepGiven {
		c.Deep = o.deep
		if err := c.Validate(); err != nil {
			return c, fmt.Errorf("--deep: %w", err)
		}
	}
	return c, nil
}

// check checks all targets, each within the budget of one admission, and returns the findings in the order of the targets.
func (o *checkOptions) check(ctx context.Context, e *engine.Engine, c config.Configuration, targets []target) ([]report.Entry, error) {
	progress := startProgress(o.ErrOut, len(targets))
	defer progress.stop()
	findings := make([][]imagepull.Finding, len(targets))
	var group errgroup.Group
	group.SetLimit(parallelObjects)
	for i, s := range targets {
		group.Go(func() error {
			ctx, cancel := context.WithTimeout(ctx, c.Timeouts.Admission)
			defer cancel()
			findings[i] = e.Check(ctx, s.pod, s.spec)
			progress.done()
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	var entries []report.Entry
	for i, s := range targets {
		for _, f := range findings[i] {
			entries = append(entries, report.Entry{Source: s.source, Object: s.object, Finding: f})
		}
	}
	return entries, ctx.Err()
}

func (o *checkOptions) write(r report.Report) error {
	switch o.output {
	case "json":
		return report.WriteJSON(o.Out, r)
	case "yaml":
		return report.WriteYAML(o.Out, r)
	}
	return report.WriteTable(o.Out, r, useColour(o.Out))
}

func (o *checkOptions) status(s report.Summary) error {
	switch {
	case s.Unpullable > 0:
		return exitError(exitUnpullable)
	case o.strict && s.Indeterminate > 0:
		return exitError(exitIndeterminate)
	}
	return nil
}

// useColour reports whether to use colours: in a terminal, unless NO_COLOR is set (https://no-color.org).
func useColour(w io.Writer) bool { return isTerminal(w) && os.Getenv("NO_COLOR") == "" }

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}
