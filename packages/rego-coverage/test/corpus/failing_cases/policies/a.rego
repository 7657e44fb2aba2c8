package failing_cases

sum(a, b) := a + b

product(a, b) := a * b if {
	a > 0
	b > 0
}
