package main

import (
	"context"
	"fmt"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/cover"
	"github.com/open-policy-agent/opa/v1/storage"
	"github.com/open-policy-agent/opa/v1/tester"
)

type mutantsAnswer struct {
	Results []*tester.Result `json:"results"`
	Mutants []*mutant        `json:"mutants"`
}

// mutants lists the changes to the policies, each with the tests that reach the changed part.
func (e *engine) mutants(request request) (*mutantsAnswer, error) {
	request.Contexts = true
	tested, err := e.test(request)
	if err != nil {
		return nil, err
	}
	answer := mutantsAnswer{Results: tested.Results, Mutants: []*mutant{}}
	for _, file := range request.Policies {
		module, ok := e.loaded.modules[file]
		if !ok {
			return nil, fmt.Errorf("%s: not loaded", file)
		}
		source, err := e.loaded.source(file)
		if err != nil {
			return nil, err
		}
		for _, mutant := range findMutants(file, source, module) {
			mutant.Tests = []string{}
			for _, result := range tested.Results {
				if name := nameOf(result); reaches(tested.reports[name], mutant) {
					mutant.Tests = append(mutant.Tests, name)
				}
			}
			answer.Mutants = append(answer.Mutants, mutant)
		}
	}
	return &answer, nil
}

// reaches tells whether a test evaluates the changed part, or would without rule index and early exit: these
// know from the unchanged policy that a rule need not be tried, which a change may make untrue.
func reaches(report *cover.Report, m *mutant) bool {
	if report == nil || report.Files[m.File] == nil {
		return false
	}
	file := report.Files[m.File]
	for _, covered := range file.Covered {
		if overlap(covered, m) {
			return true
		}
	}
	for _, tagged := range file.NotCovered {
		if len(tagged.Kinds) > 0 && overlap(tagged, m) {
			return true
		}
	}
	return false
}

func overlap(r cover.Range, m *mutant) bool {
	return before(r.Start.Row, r.Start.Col, m.EndRow, m.EndCol) && before(m.Row, m.Col, r.End.Row, r.End.Col)
}

func before(row, col, otherRow, otherCol int) bool {
	return row < otherRow || (row == otherRow && col < otherCol)
}

type mutateAnswer struct {
	// killed, survived, equivalent (the change means the same), or invalid (it does not compile).
	Status   string   `json:"status"`
	KilledBy string   `json:"killedBy,omitempty"`
	Ran      []string `json:"ran"`
}

// mutate runs tests against a changed policy until one of them fails.
func (e *engine) mutate(request request) (*mutateAnswer, error) {
	mutant := request.Mutant
	answer := mutateAnswer{Status: "survived", Ran: []string{}}
	source, err := e.loaded.source(mutant.File)
	if err != nil {
		return nil, err
	}
	changed, err := ast.ParseModuleWithOpts(mutant.File, mutant.apply(source), ast.ParserOptions{
		RegoVersion:       e.loaded.version,
		ProcessAnnotation: true,
	})
	if err != nil || changed == nil {
		answer.Status = "invalid"
		return &answer, nil
	}
	if changed.Equal(e.loaded.modules[mutant.File]) {
		answer.Status = "equivalent"
		return &answer, nil
	}
	modules := map[string]*ast.Module{}
	for file, module := range e.loaded.modules {
		modules[file] = module
	}
	modules[mutant.File] = changed
	err = e.loaded.within(func(ctx context.Context, txn storage.Transaction) error {
		// Compiled first without a test, to tell a change that does not compile from one that fails a test.
		compiler := e.loaded.compiler(ctx, txn)
		if err := e.loaded.compile(compiler, modules, txn); err != nil {
			answer.Status = "invalid"
			return nil
		}
		if len(request.Tests) == 0 {
			return nil
		}
		running := runOptions{compiler: compiler, txn: txn, filter: exactly(request.Tests)}
		return e.loaded.run(running, func(result *tester.Result) bool {
			answer.Ran = append(answer.Ran, nameOf(result))
			if result.Pass() {
				return true
			}
			answer.Status = "killed"
			answer.KilledBy = nameOf(result)
			return false
		})
	})
	return &answer, err
}
