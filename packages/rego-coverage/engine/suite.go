package main

import (
	"context"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/cover"
	"github.com/open-policy-agent/opa/v1/loader"
	"github.com/open-policy-agent/opa/v1/runtime/info"
	"github.com/open-policy-agent/opa/v1/storage"
	"github.com/open-policy-agent/opa/v1/tester"
)

// suite is what `opa test` loads from its paths.
type suite struct {
	modules map[string]*ast.Module
	store   storage.Store
	runtime *ast.Term
	version ast.RegoVersion
}

type suiteRequest struct {
	Paths        []string `json:"paths"`
	Ignore       []string `json:"ignore"`
	V0Compatible bool     `json:"v0Compatible"`
}

// load reads the files as `opa test` does, with its messages when they cannot be read.
func load(request suiteRequest) (*suite, error) {
	version := ast.RegoV1
	if request.V0Compatible {
		version = ast.RegoV0
	}
	modules, store, err := tester.LoadWithParserOptions(request.Paths, ignoring(request.Ignore), ast.ParserOptions{
		RegoVersion:       version,
		ProcessAnnotation: true,
	})
	if err != nil {
		return nil, err
	}
	runtime, err := info.New()
	if err != nil {
		return nil, err
	}
	return &suite{modules, store, runtime, version}, nil
}

// within runs work in a transaction that leaves the data as it was.
func (s *suite) within(work func(context.Context, storage.Transaction) error) error {
	ctx := context.Background()
	txn, err := s.store.NewTransaction(ctx, storage.WriteParams)
	if err != nil {
		return err
	}
	defer s.store.Abort(ctx, txn)
	return work(ctx, txn)
}

// source is the text of a loaded module.
func (s *suite) source(file string) (text string, err error) {
	ctx := context.Background()
	err = storage.Txn(ctx, s.store, storage.TransactionParams{}, func(txn storage.Transaction) error {
		raw, err := s.store.GetPolicy(ctx, txn, file)
		text = string(raw)
		return err
	})
	return text, err
}

// ignoring is the filter behind `--ignore`: globs on the names of all but the paths themselves.
func ignoring(globs []string) loader.Filter {
	return func(path string, info os.FileInfo, depth int) bool {
		for _, glob := range globs {
			if loader.GlobExcludeName(glob, 1)(path, info, depth) {
				return true
			}
		}
		return false
	}
}

// compiler is set up as `opa test` sets it up.
func (s *suite) compiler(ctx context.Context, txn storage.Transaction) *ast.Compiler {
	return ast.NewCompiler().
		WithPathConflictsCheck(storage.NonEmpty(ctx, s.store, txn)).
		WithEnablePrintStatements(true).
		WithCapabilities(ast.CapabilitiesForThisVersion()).
		WithSchemas(nil). // without --schema it does not look for those that annotations name
		WithUseTypeCheckAnnotations(true)
}

// run evaluates the tests whose names match the filter, with these modules or, when there are none, with what
// the compiler compiled before. each gets the results as they come and stops the run by returning false.
func (s *suite) run(options runOptions, each func(*tester.Result) bool) error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	runner := tester.NewRunner().
		SetCompiler(options.compiler).
		SetStore(s.store).
		CapturePrintOutput(true).
		StackTraces(true).
		SetRuntime(s.runtime).
		SetModules(options.modules).
		SetTimeout(5 * time.Second).
		SetParallel(1).
		Filter(options.filter)
	if options.only != nil {
		runner = runner.SetPrefixMatchers(options.only)
	}
	if options.cover != nil {
		runner = runner.SetCoverageQueryTracer(options.cover)
	}
	results, err := runner.RunTests(ctx, options.txn)
	if err != nil {
		return err
	}
	stopped := false
	for result := range results {
		result.Trace = nil
		if !stopped && !each(result) {
			stopped = true
			cancel()
		}
	}
	return nil
}

type runOptions struct {
	compiler *ast.Compiler
	modules  map[string]*ast.Module
	txn      storage.Transaction
	filter   string
	// A test by its whole reference, instead of a filter.
	only  ast.Ref
	cover *cover.Cover
}

// compile only compiles, as a run does: with the stages that the runner adds.
func (s *suite) compile(compiler *ast.Compiler, modules map[string]*ast.Module, txn storage.Transaction) error {
	none := runOptions{compiler: compiler, modules: modules, txn: txn, filter: "^$"}
	return s.run(none, func(*tester.Result) bool { return true })
}

// testsOf lists the tests of compiled modules: rules with a step of their name that begins with `test_` or
// `todo_test_`, up to that step, as the runner finds them.
func testsOf(compiler *ast.Compiler) []ast.Ref {
	var tests []ast.Ref
	seen := map[string]bool{}
	for _, file := range slices.Sorted(maps.Keys(compiler.Modules)) {
		module := compiler.Modules[file]
		for _, rule := range module.Rules {
			ref := rule.Ref().GroundPrefix()
			for i, step := range ref[len(module.Package.Path):] {
				name, _ := step.Value.(ast.String)
				if !strings.HasPrefix(string(name), tester.TestPrefix) && !strings.HasPrefix(string(name), tester.SkipTestPrefix) {
					continue
				}
				test := ref[:len(module.Package.Path)+i+1]
				if key := test.String(); !seen[key] {
					seen[key] = true
					tests = append(tests, test)
				}
				break
			}
		}
	}
	return tests
}
