# rego-coverage ignore-file: generated
package pragmas.generated

x := 1
