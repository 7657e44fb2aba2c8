package main

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
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
	Results  []*tester.Result         `json:"results"`
	Report   cover.Report             `json:"report"`
	Contexts map[string]*cover.Report `json:"contexts,omitempty"`
}

// test runs all tests once; the coverage is that of all of them, failed ones too. With contexts it evaluates
// each once more, for a tracer cannot tell one test's events from another's.
func (e *engine) test(request request) (*testAnswer, error) {
	if err := e.load(request); err != nil {
		return nil, err
	}
	answer := testAnswer{Results: []*tester.Result{}}
	err := e.loaded.within(func(ctx context.Context, txn storage.Transaction) error {
		compiler := e.loaded.compiler(ctx, txn)
		all := cover.New()
		options := runOptions{compiler: compiler, modules: e.loaded.modules, txn: txn, cover: all}
		err := e.loaded.run(options, func(result *tester.Result) bool {
			result.Trace = nil
			answer.Results = append(answer.Results, result)
			e.progress()
			return true
		})
		if err != nil || !request.Contexts {
			answer.Report = all.Report(e.loaded.modules)
			return err
		}
		answer.Report = all.Report(e.loaded.modules)
		answer.Contexts, err = e.contexts(answer.Results, compiler, txn)
		return err
	})
	return &answer, err
}

// contexts gives the coverage of every test that passes.
func (e *engine) contexts(results []*tester.Result, compiler *ast.Compiler, txn storage.Transaction) (map[string]*cover.Report, error) {
	contexts := map[string]*cover.Report{}
	for _, result := range results {
		if !result.Pass() {
			continue
		}
		name := nameOf(result)
		one := cover.New()
		options := runOptions{compiler: compiler, txn: txn, filter: exactly([]string{name}), cover: one}
		if err := e.loaded.run(options, func(*tester.Result) bool { return true }); err != nil {
			return nil, err
		}
		report := one.Report(e.loaded.modules)
		contexts[name] = &report
		e.progress()
	}
	return contexts, nil
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
