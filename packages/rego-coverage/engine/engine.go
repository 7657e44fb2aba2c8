package main

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/cover"
	"github.com/open-policy-agent/opa/v1/storage"
	"github.com/open-policy-agent/opa/v1/tester"
	"github.com/open-policy-agent/opa/v1/version"
)

// engine is the state between requests.
type engine struct {
	loaded *suite
	// progress is called as tests end, so that JavaScript can tell slow from stuck.
	progress func()
}

type request struct {
	Command string `json:"command"`
	suiteRequest
	// test: also each test's own coverage.
	Contexts bool `json:"contexts"`
	// mutants: the files to change.
	Policies []string `json:"policies"`
	// mutate: the change, and the tests to run against it.
	Mutant mutant   `json:"mutant"`
	Tests  []string `json:"tests"`
}

func (e *engine) handle(text []byte) (any, error) {
	var request request
	if err := json.Unmarshal(text, &request); err != nil {
		return nil, err
	}
	switch request.Command {
	case "version":
		return map[string]string{"version": version.Version}, nil
	case "test":
		return e.test(request)
	case "load":
		return struct{}{}, e.load(request)
	case "mutants":
		return e.mutants(request)
	case "mutate":
		return e.mutate(request)
	}
	return nil, fmt.Errorf("no such command: %s", request.Command)
}

func (e *engine) load(request request) (err error) {
	e.loaded, err = load(request.suiteRequest)
	return err
}

type testAnswer struct {
	Results []*tester.Result `json:"results"`
	Report  cover.Report     `json:"report"`
	// By test, of those that pass; without what they leave uncovered.
	Contexts map[string]*cover.Report `json:"contexts,omitempty"`
	// By test as well, with what they leave uncovered.
	reports map[string]*cover.Report
}

// test runs every test once. The coverage is that of the tests that pass or fail: what a test reached before it
// ended in an error does not count, as OPA's own executable has no way to tell it.
func (e *engine) test(request request) (*testAnswer, error) {
	if err := e.load(request); err != nil {
		return nil, err
	}
	answer := testAnswer{Results: []*tester.Result{}}
	err := e.loaded.within(func(ctx context.Context, txn storage.Transaction) error {
		compiler := e.loaded.compiler(ctx, txn)
		if request.Contexts {
			return e.testOneByOne(&answer, compiler, txn)
		}
		return e.testTogether(&answer, compiler, txn)
	})
	return &answer, err
}

func (e *engine) testTogether(answer *testAnswer, compiler *ast.Compiler, txn storage.Transaction) error {
	all := cover.New()
	options := runOptions{compiler: compiler, modules: e.loaded.modules, txn: txn, cover: all}
	if err := e.loaded.run(options, func(result *tester.Result) bool {
		answer.Results = append(answer.Results, result)
		e.progress()
		return true
	}); err != nil {
		return err
	}
	if !slices.ContainsFunc(answer.Results, errored) {
		answer.Report = all.Report(e.loaded.modules)
		return nil
	}
	sound := slices.DeleteFunc(slices.Clone(answer.Results), errored)
	all = cover.New()
	options = runOptions{compiler: compiler, txn: txn, filter: exactly(namesOf(sound)), cover: all}
	if err := e.loaded.run(options, func(*tester.Result) bool { return true }); err != nil {
		return err
	}
	answer.Report = all.Report(e.loaded.modules)
	return nil
}

// testOneByOne also tells the coverage of each test, for a tracer cannot tell one test's events from another's.
func (e *engine) testOneByOne(answer *testAnswer, compiler *ast.Compiler, txn storage.Transaction) error {
	if err := e.loaded.compile(compiler, e.loaded.modules, txn); err != nil {
		return err
	}
	answer.Contexts, answer.reports = map[string]*cover.Report{}, map[string]*cover.Report{}
	joined := joinedCoverage(cover.New().Report(e.loaded.modules))
	for _, test := range testsOf(compiler) {
		one := cover.New()
		var results []*tester.Result
		options := runOptions{compiler: compiler, txn: txn, only: test, cover: one}
		if err := e.loaded.run(options, func(result *tester.Result) bool {
			results = append(results, result)
			return true
		}); err != nil {
			return err
		}
		answer.Results = append(answer.Results, results...)
		e.progress()
		if len(results) == 0 || results[0].Skip || slices.ContainsFunc(results, errored) {
			continue
		}
		report := one.Report(e.loaded.modules)
		joined.add(report)
		if name := nameOf(results[0]); results[0].Pass() {
			answer.reports[name], answer.Contexts[name] = &report, coveredOnly(report)
		}
	}
	answer.Report = joined.report()
	return nil
}

func errored(result *tester.Result) bool {
	return result.Error != nil
}

func namesOf(results []*tester.Result) []string {
	names := make([]string, len(results))
	for i, result := range results {
		names[i] = nameOf(result)
	}
	return names
}

func nameOf(result *tester.Result) string {
	return result.Package + "." + result.Name
}

// exactly is a filter that matches these names and no others.
func exactly(names []string) string {
	quoted := make([]string, len(names))
	for i, name := range names {
		quoted[i] = regexp.QuoteMeta(name)
	}
	return "^(?:" + strings.Join(quoted, "|") + ")$"
}
