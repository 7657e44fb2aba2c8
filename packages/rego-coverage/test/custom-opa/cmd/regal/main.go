// What `regal test` is to rego-coverage: OPA's runner behind a command of its own, with fewer flags than OPA's (none
// for v0 syntax), a built-in function, and modules that it carries in itself.
package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/cover"
	"github.com/open-policy-agent/opa/v1/loader"
	"github.com/open-policy-agent/opa/v1/rego"
	"github.com/open-policy-agent/opa/v1/storage"
	"github.com/open-policy-agent/opa/v1/tester"
	"github.com/open-policy-agent/opa/v1/topdown"
	"github.com/open-policy-agent/opa/v1/types"
	"github.com/spf13/cobra"
)

const carried = `package carried

is_rego(file) if extension.of(file) == ".rego"

never := 1
`

func main() {
	rego.RegisterBuiltin1(
		&rego.Function{Name: "extension.of", Decl: types.NewFunction(types.Args(types.S), types.S)},
		func(_ rego.BuiltinContext, file *ast.Term) (*ast.Term, error) {
			return ast.StringTerm(filepath.Ext(string(file.Value.(ast.String)))), nil
		},
	)
	var coverage bool
	var format, run string
	var ignore []string
	test := &cobra.Command{Use: "test", Args: cobra.MinimumNArgs(1), Run: func(_ *cobra.Command, paths []string) {
		code, err := runTests(paths, coverage, format, run, ignore)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
		os.Exit(code)
	}}
	test.Flags().BoolVarP(&coverage, "coverage", "c", false, "")
	test.Flags().StringVarP(&format, "format", "f", "pretty", "")
	test.Flags().StringVarP(&run, "run", "r", "", "")
	test.Flags().StringSliceVar(&ignore, "ignore", nil, "")
	version := &cobra.Command{Use: "version", Run: func(*cobra.Command, []string) { fmt.Println("Version:    0.1.2") }}
	root := &cobra.Command{Use: "regal"}
	root.AddCommand(test, version)
	if root.Execute() != nil {
		os.Exit(1)
	}
}

func runTests(paths []string, coverage bool, format, run string, ignore []string) (int, error) {
	ctx := context.Background()
	modules, store, err := tester.Load(paths, func(path string, info os.FileInfo, depth int) bool {
		return slices.ContainsFunc(ignore, func(glob string) bool {
			return loader.GlobExcludeName(glob, 1)(path, info, depth)
		})
	})
	if err != nil {
		return 1, err
	}
	txn, err := store.NewTransaction(ctx, storage.WriteParams)
	if err != nil {
		return 1, err
	}
	defer store.Abort(ctx, txn)
	compiler := ast.NewCompiler().
		WithEnablePrintStatements(true).
		WithModuleLoader(func(present map[string]*ast.Module) (map[string]*ast.Module, error) {
			const file = "carried/carried.rego"
			if _, ok := present[file]; ok {
				return nil, nil
			}
			module, err := ast.ParseModule(file, carried)
			return map[string]*ast.Module{file: module}, err
		})
	runner := tester.NewRunner().SetCompiler(compiler).SetStore(store).SetModules(modules).CapturePrintOutput(true).Filter(run)
	var reporter tester.Reporter = tester.PrettyReporter{Output: os.Stdout}
	if format == "json" {
		reporter = tester.JSONReporter{Output: os.Stdout}
	}
	if coverage {
		covered := cover.New()
		runner.SetCoverageQueryTracer(topdown.QueryTracer(covered))
		reporter = tester.JSONCoverageReporter{Cover: covered, Modules: modules, Output: os.Stdout}
	}
	results, err := runner.RunTests(ctx, txn)
	if err != nil {
		return 1, err
	}
	code := 0
	seen := make(chan *tester.Result)
	go func() {
		defer close(seen)
		for result := range results {
			if !result.Pass() {
				code = 2
			}
			seen <- result
		}
	}()
	if err := reporter.Report(seen); err != nil {
		return 1, err
	}
	return code, nil
}
