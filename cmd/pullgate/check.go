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
	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/preflight"
	"github.com/pullgate/pullgate/webhook/report"
)

// parallelObjects bounds how many objects are checked at once; the images of each are asked for in parallel besides.
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
	deepGiven   bool // otherwise the configuration says
	cluster     clusterOptions
}

func newCheckCommand(streams genericiooptions.IOStreams) *cobra.Command {
	o := checkOptions{IOStreams: streams}
	cmd := &cobra.Command{
		Use:   "check [IMAGE...] [-f FILE|DIR|-]...",
		Short: "Foretell whether images can be pulled",
		Long: `Foretell whether images can be pulled: those named, and those of the pods and workloads in manifests.

Pull secrets are read from the cluster of the kubeconfig, as the pods there would get them, and its nodes are listed, if
that is allowed, for their platforms and the images that they hold; so is what it says of its local registry. Where
--pull-secret is given, the secrets in those files stand for all that any pod lists, and no cluster is asked; nor is it
with --offline. An image named by itself is asked for without credentials, unless --pull-secret or --service-account
brings some.

Exit status: 0 nothing is unpullable; 1 something is; 3 with --strict, something is in doubt; 2 the question was wrong.`,
		Example: `  # A public image
  pullgate check nginx:1.27

  # Everything in a folder, with the pull secrets of the current cluster
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
	flags.BoolVarP(&o.recursive, "recursive", "R", false, "descend into directories")
	flags.StringArrayVar(&o.pullSecrets, "pull-secret", nil, "`file` with a Secret manifest or a docker config.json; may be repeated")
	flags.StringArrayVar(&o.platforms, "platform", nil, "`os/arch[/variant]` of the nodes, in place of what they say; may be repeated")
	flags.StringVar(&o.configFile, "config", "", "configuration `file`; defaults apply without one")
	flags.StringVarP(&o.output, "output", "o", "table", "`format`: table, json or yaml")
	flags.BoolVar(&o.deep, "deep", false, "look into the images too: ask for the configuration and every layer")
	flags.BoolVar(&o.strict, "strict", false, "exit with status 3 when something is in doubt")
	o.cluster.addFlags(flags)
}

// run checks everything, prints the report, and returns its exit status as an exitError.
func (o *checkOptions) run(ctx context.Context) error {
	c, err := o.configuration()
	if err != nil {
		return err
	}
	subjects, notes, err := o.subjects()
	if err != nil {
		return err
	}
	creds, err := o.credentials(subjects)
	if err != nil {
		return err
	}
	log := slog.New(slog.NewTextHandler(o.ErrOut, nil))
	held, end, err := onNodes(creds, c.Nodes, log)
	if err != nil {
		return err
	}
	defer end()
	profile, err := o.profile(ctx, c.Nodes, log)
	if err != nil {
		return err
	}
	options, err := registryOptions(c)
	if err != nil {
		return err
	}
	options.LocalRegistry = profile.localRegistry
	checker, err := newChecker(c, held, profile.nodes, options)
	if err != nil {
		return err
	}
	entries, err := o.check(ctx, checker, c, subjects)
	if err != nil {
		return err
	}
	r := report.Report{Entries: entries, Notes: append(notes, profile.remarks...)}
	if err := o.write(r); err != nil {
		return err
	}
	return o.status(r.Summary())
}

// configuration is the file's, with the flags over it.
func (o *checkOptions) configuration() (config.Configuration, error) {
	if !slices.Contains([]string{"table", "json", "yaml"}, o.output) {
		return config.Configuration{}, fmt.Errorf("--output %q: use table, json or yaml", o.output)
	}
	if len(o.images) == 0 && len(o.files) == 0 {
		return config.Configuration{}, errors.New("nothing to check: name an image, or manifests with -f")
	}
	c, err := loadConfiguration(o.configFile)
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

// check asks about all subjects, each within the budget of one admission, and keeps their order.
func (o *checkOptions) check(ctx context.Context, checker *preflight.Checker, c config.Configuration, subjects []subject) ([]report.Entry, error) {
	progress := startProgress(o.ErrOut, len(subjects))
	defer progress.stop()
	findings := make([][]imagepull.Finding, len(subjects))
	var group errgroup.Group
	group.SetLimit(parallelObjects)
	for i, s := range subjects {
		group.Go(func() error {
			ctx, cancel := context.WithTimeout(ctx, c.Timeouts.Admission.Duration)
			defer cancel()
			findings[i] = checker.Check(ctx, s.pod, s.spec)
			progress.done()
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	var entries []report.Entry
	for i, s := range subjects {
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
	return report.WriteTable(o.Out, r, wantsColour(o.Out))
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

// wantsColour honours https://no-color.org.
func wantsColour(w io.Writer) bool { return isTerminal(w) && os.Getenv("NO_COLOR") == "" }

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}
