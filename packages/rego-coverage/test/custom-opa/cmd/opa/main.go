// An OPA with a built-in function of its own, as regal, trivy and conforma make theirs.
package main

import (
	"os"
	"strings"

	"github.com/open-policy-agent/opa/cmd"
	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"
	"github.com/open-policy-agent/opa/v1/types"
)

func main() {
	rego.RegisterBuiltin1(
		&rego.Function{
			Name: "image.registry",
			Decl: types.NewFunction(types.Args(types.S), types.S),
		},
		func(_ rego.BuiltinContext, image *ast.Term) (*ast.Term, error) {
			name, ok := image.Value.(ast.String)
			if !ok {
				return nil, nil
			}
			registry, _, _ := strings.Cut(string(name), "/")
			return ast.StringTerm(registry), nil
		},
	)
	if err := cmd.RootCommand.Execute(); err != nil {
		os.Exit(1)
	}
}
