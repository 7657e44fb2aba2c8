package main

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/ast/location"
)

// mutant is one change to the text of a policy.
type mutant struct {
	File        string   `json:"file"`
	Operator    string   `json:"operator"`
	Offset      int      `json:"offset"`
	Length      int      `json:"length"`
	Original    string   `json:"original"`
	Replacement string   `json:"replacement"`
	Row         int      `json:"row"`
	Col         int      `json:"col"`
	EndRow      int      `json:"endRow"`
	EndCol      int      `json:"endCol"`
	Tests       []string `json:"tests,omitempty"`
}

func (m mutant) apply(source string) string {
	return source[:m.Offset] + m.Replacement + source[m.Offset+m.Length:]
}

// finder collects the mutants of one module.
type finder struct {
	file   string
	source string
	found  []*mutant
	seen   map[string]bool
}

// findMutants applies every operator wherever it fits, in the order of the source.
func findMutants(file, source string, module *ast.Module) []*mutant {
	f := &finder{file: file, source: source, seen: map[string]bool{}}
	for _, rule := range module.Rules {
		f.rule(rule)
	}
	return f.found
}

func (f *finder) rule(rule *ast.Rule) {
	if rule.Default {
		f.defaultValue(rule.Head.Value)
		return
	}
	f.replace("delete rule", rule.Location, "")
	for branch := rule; branch != nil; branch = branch.Else {
		f.head(branch.Head)
		f.bodies(branch)
	}
}

// head flips a boolean result, written or implied, and changes constants in other results.
func (f *finder) head(head *ast.Head) {
	value, ok := booleanOf(head.Value)
	if !ok {
		if head.Value != nil {
			f.constants(head.Value)
		}
		if head.Key != nil {
			f.constants(head.Key)
		}
		return
	}
	if head.RuleKind() != ast.SingleValue || head.Location == nil {
		return
	}
	if f.textAt(head.Value.Location) == strconv.FormatBool(value) {
		f.replace("flip head", head.Value.Location, strconv.FormatBool(!value))
		return
	}
	text := string(head.Location.Text)
	// A head without a value, of a rule or an else, is true.
	if text != "" && text != "else" {
		f.replace("flip head", head.Location, text+" := false")
	}
}

func (f *finder) defaultValue(value *ast.Term) {
	if changed, ok := changedConstant(value, f.textAt(value.Location)); ok {
		f.replace("default value", value.Location, changed)
	} else {
		f.replace("default value", value.Location, "null")
	}
}

// bodies visits the rule's body and the bodies within it: of every, of comprehensions, of calls' arguments.
func (f *finder) bodies(rule *ast.Rule) {
	visit := func(body ast.Body) {
		for i, expr := range body {
			f.expression(body, i, expr)
		}
	}
	visitor := ast.NewGenericVisitor(func(x any) bool {
		switch x := x.(type) {
		case *ast.Rule:
			return x != rule
		case *ast.Head:
			return false
		case ast.Body:
			visit(x)
		}
		return false
	})
	if rule.Head.Value != nil {
		visitor.Walk(rule.Head.Value)
	}
	visitor.Walk(rule.Body)
}

func (f *finder) expression(body ast.Body, i int, expr *ast.Expr) {
	if expr.Location == nil || expr.Generated || isPrint(expr) || f.textAt(expr.Location) == "" {
		return
	}
	switch terms := expr.Terms.(type) {
	case *ast.SomeDecl:
		f.someToEvery(body, i, expr, terms)
		return
	case *ast.Every:
		f.everyToSome(expr, terms)
		f.constants(terms.Domain)
	case []*ast.Term:
		f.comparison(terms)
		for _, term := range terms[1:] {
			f.constants(term)
		}
	case *ast.Term:
		f.constants(terms)
	}
	for _, with := range expr.With {
		f.constants(with.Value)
	}
	if expr.IsAssignment() {
		return
	}
	f.replace("delete expression", expr.Location, "true")
	f.negation(expr)
}

// negation takes a `not` away, or adds one where no swapped comparison says the same.
func (f *finder) negation(expr *ast.Expr) {
	text := f.textAt(expr.Location)
	if expr.Negated {
		f.replace("negate", expr.Location, strings.TrimSpace(strings.TrimPrefix(text, "not")))
		return
	}
	if terms, ok := expr.Terms.([]*ast.Term); ok && (swapped[terms[0].String()] != "" || expr.IsEquality()) {
		return
	}
	if _, ok := expr.Terms.(*ast.Every); !ok {
		f.replace("negate", expr.Location, "not "+text)
	}
}

var swapped = map[string]string{"equal": "!=", "neq": "==", "lt": ">=", "lte": ">", "gt": "<=", "gte": "<"}

// comparison swaps the operator for the one that is true where it was not.
func (f *finder) comparison(terms []*ast.Term) {
	if len(terms) != 3 || terms[1].Location == nil || terms[2].Location == nil {
		return
	}
	operator := terms[0].String()
	builtin, replacement := ast.BuiltinMap[operator], swapped[operator]
	if builtin == nil || replacement == "" {
		return
	}
	from := terms[1].Location.Offset + len(terms[1].Location.Text)
	to := terms[2].Location.Offset
	if from > to || to > len(f.source) {
		return
	}
	at := strings.Index(f.source[from:to], builtin.Infix)
	if at >= 0 {
		f.change("swap comparison", from+at, len(builtin.Infix), replacement)
	}
}

// constants changes numbers, strings and booleans inside a term, and swaps comparisons inside it. Bodies of
// comprehensions are visited as bodies.
func (f *finder) constants(term *ast.Term) {
	ast.NewGenericVisitor(func(x any) bool {
		switch x := x.(type) {
		case ast.Body:
			return true
		case ast.Call:
			f.comparison(x)
		case *ast.Term:
			if changed, ok := changedConstant(x, f.textAt(x.Location)); ok {
				f.replace("change constant", x.Location, changed)
			}
		}
		return false
	}).Walk(term)
}

// changedConstant is another constant of the same type; a part of a reference (`input.user`) is none.
func changedConstant(term *ast.Term, text string) (string, bool) {
	switch value := term.Value.(type) {
	case ast.Boolean:
		if text == strconv.FormatBool(bool(value)) {
			return strconv.FormatBool(!bool(value)), true
		}
	case ast.Number:
		if number, err := strconv.ParseFloat(text, 64); err == nil {
			return strconv.FormatFloat(number+1, 'f', -1, 64), true
		}
	case ast.String:
		if text == `""` || text == "``" {
			return `"changed"`, true
		}
		if len(text) > 2 && (text[0] == '"' || text[0] == '`') {
			return `""`, true
		}
	}
	return "", false
}

// everyToSome asks that the body holds for one element instead of all, in one expression, for a rule may have
// no braces around its body.
func (f *finder) everyToSome(expr *ast.Expr, every *ast.Every) {
	text, offset := f.textAt(expr.Location), expr.Location.Offset
	if every.Domain.Location == nil || !strings.HasPrefix(text, "every") {
		return
	}
	after := every.Domain.Location.Offset + len(every.Domain.Location.Text) - offset
	if after < 0 || after > len(text) {
		return
	}
	open := strings.Index(text[after:], "{")
	end := strings.LastIndex(text, "}")
	if open < 0 || end < after+open {
		return
	}
	open += after
	f.replace("every to some", expr.Location, "count([true | some"+text[len("every"):open]+"\n"+text[open+1:end]+"]) > 0")
}

// someToEvery asks that the rest of the body holds for all elements instead of one.
func (f *finder) someToEvery(body ast.Body, i int, expr *ast.Expr, some *ast.SomeDecl) {
	text := f.textAt(expr.Location)
	if len(some.Symbols) != 1 || !strings.HasPrefix(text, "some") {
		return
	}
	if _, membership := some.Symbols[0].Value.(ast.Call); !membership || i == len(body)-1 {
		return
	}
	last := body[len(body)-1].Location
	from, to := expr.Location.Offset+len(text), last.Offset+len(last.Text)
	if from > to || to > len(f.source) {
		return
	}
	replacement := "every" + text[len("some"):] + " {" + f.source[from:to] + "\n}"
	f.change("some to every", expr.Location.Offset, to-expr.Location.Offset, replacement)
}

func (f *finder) replace(operator string, at *location.Location, replacement string) {
	if text := f.textAt(at); text != "" {
		f.change(operator, at.Offset, len(text), replacement)
	}
}

func (f *finder) change(operator string, offset, length int, replacement string) {
	original := f.source[offset : offset+length]
	key := fmt.Sprintf("%d:%d:%s", offset, length, replacement)
	if f.seen[key] || original == replacement {
		return
	}
	f.seen[key] = true
	row, col := f.position(offset)
	endRow, endCol := f.position(offset + length)
	f.found = append(f.found, &mutant{
		File: f.file, Operator: operator, Offset: offset, Length: length,
		Original: original, Replacement: replacement,
		Row: row, Col: col, EndRow: endRow, EndCol: endCol,
	})
}

// textAt is the source at a location, or "" where the location is not of this source: OPA also makes terms.
func (f *finder) textAt(at *location.Location) string {
	if at == nil || at.Offset+len(at.Text) > len(f.source) {
		return ""
	}
	if text := f.source[at.Offset : at.Offset+len(at.Text)]; text == string(at.Text) {
		return text
	}
	return ""
}

// position counts as OPA does: rows and columns from 1, columns in code points.
func (f *finder) position(offset int) (row, col int) {
	before := f.source[:offset]
	line := strings.LastIndexByte(before, '\n') + 1
	return strings.Count(before, "\n") + 1, utf8.RuneCountInString(before[line:]) + 1
}

func booleanOf(term *ast.Term) (value, ok bool) {
	if term == nil {
		return false, false
	}
	boolean, ok := term.Value.(ast.Boolean)
	return bool(boolean), ok
}

// isPrint tells calls without an effect on the result.
func isPrint(expr *ast.Expr) bool {
	return expr.IsCall() && expr.Operator().String() == "print"
}
