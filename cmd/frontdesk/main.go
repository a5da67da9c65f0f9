// Command frontdesk is the dashboard, its demo, and the sandbox of the services
// that it works with. Run "frontdesk --help" for the commands and their flags.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"
)

// cli is every command with its flags. Each flag is also a variable:
// --atom-url is FRONTDESK_ATOM_URL, and the flag wins.
type cli struct {
	Serve       serveCmd       `cmd:"" help:"Run the dashboard."`
	Demo        demoCmd        `cmd:"" help:"Run the dashboard against a sandbox; needs no configuration."`
	Sandbox     sandboxCmd     `cmd:"" help:"Run the sandbox alone: the three services, simulated."`
	Audit       auditCmd       `cmd:"" help:"Verify, prove and export the audit log."`
	Backup      backupCmd      `cmd:"" help:"Copy the database into a file, also while the dashboard is at work, and check the copy."`
	Restore     restoreCmd     `cmd:"" help:"Put a backup in the database's place, with that on record; overwrites nothing."`
	MigrateTo   migrateCmd     `cmd:"" help:"Copy a SQLite database into an empty PostgreSQL one, and prove that the audit log is the same."`
	Metrics     metricsCmd     `cmd:"" help:"Print a Grafana dashboard, or alert rules, for the metrics."`
	Healthcheck healthcheckCmd `cmd:"" help:"Ask a running dashboard whether it is alive; for containers."`
	Version     versionCmd     `cmd:"" help:"Print the version."`
}

// app is what a command runs with.
type app struct {
	ctx    context.Context // done when the process is asked to stop
	stdout io.Writer
	stderr io.Writer
	log    *slog.Logger
	env    func(string) (string, bool)
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Environ(), os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run is the whole program; it returns the exit code: 0, 1 for a failure, 2
// for wrong usage or configuration.
func run(ctx context.Context, args, environ []string, stdout, stderr io.Writer) int {
	env := map[string]string{}
	for _, pair := range environ {
		name, value, _ := strings.Cut(pair, "=")
		env[name] = value
	}
	lookup := func(name string) (string, bool) { v, ok := env[name]; return v, ok }

	var c cli
	exited := -1
	parser, err := kong.New(&c, kong.Name("frontdesk"), kong.Description("The desk of those who look after ATOM customers."),
		kong.Writers(stdout, stderr), kong.Exit(func(code int) { exited = code }), kong.UsageOnError(),
		kong.Resolvers(fromEnvironment(lookup)))
	if err != nil {
		fmt.Fprintln(stderr, "frontdesk:", err)
		return 1
	}
	parsed, err := parser.Parse(args)
	if exited == 0 { // --help
		return 0
	}
	if err != nil {
		fmt.Fprintf(stderr, "frontdesk: %v\nRun \"frontdesk --help\" for the commands and their flags.\n", err)
		return 2
	}
	a := &app{ctx: ctx, stdout: stdout, stderr: stderr, log: slog.New(slog.NewTextHandler(stderr, nil)), env: lookup}
	if c.Serve.LogFormat == "json" || c.Demo.LogFormat == "json" {
		a.log = slog.New(slog.NewJSONHandler(stderr, nil))
	}
	for _, name := range unknownVariables(parser.Model, env) {
		a.log.Warn("this variable is not one of frontdesk's; is it misspelt?", "variable", name)
	}
	err = parsed.Run(a)
	var problems configProblems
	switch {
	case err == nil:
		return 0
	case errors.As(err, &problems):
		fmt.Fprintln(stderr, problems.Error())
		return 2
	}
	fmt.Fprintln(stderr, "frontdesk:", err)
	return 1
}

// variable is the environment's name of a flag.
func variable(flag string) string {
	return "FRONTDESK_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// fromEnvironment gives a flag its variable's value; a blank variable counts
// as unset.
func fromEnvironment(lookup func(string) (string, bool)) kong.Resolver {
	return kong.ResolverFunc(func(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
		if value, ok := lookup(variable(flag.Name)); ok && strings.TrimSpace(value) != "" {
			return value, nil
		}
		return nil, nil
	})
}

// unknownVariables names the FRONTDESK_ variables that no flag has.
func unknownVariables(model *kong.Application, env map[string]string) []string {
	known := map[string]bool{}
	for _, command := range model.Leaves(true) {
		for _, flag := range command.Flags {
			known[variable(flag.Name)] = true
		}
	}
	var unknown []string
	for name := range env {
		if strings.HasPrefix(name, "FRONTDESK_") && !known[name] {
			unknown = append(unknown, name)
		}
	}
	slices.Sort(unknown)
	return unknown
}

type versionCmd struct{}

func (versionCmd) Run(a *app) error {
	fmt.Fprintln(a.stdout, "frontdesk", version())
	return nil
}

// release is set by the linker for releases.
var release string

// version is the release, or the commit that this was built from.
func version() string {
	if release != "" {
		return release
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			return s.Value[:min(12, len(s.Value))]
		}
	}
	return "development"
}
