package a_test

import data.a

test_set contains 1 if a.x == 1

test_set contains 2 if a.x == 2

test_empty_set contains 1 if a.x == 2

test_object.k := true if a.x == 1

test_object.l := false if a.x == 1

test_all[k] := v if {
	some k, v in {"a": 1}
	a.f(v) == 2
}

test_nested[p][r] if {
	some p in ["p", "q"]
	some r in ["r", "s"]
	r == "r"
}

default test_default := false

test_default if a.x == 1

test_else if {
	a.x == 2
} else := true if a.x == 1

test_string := "text"

test_null := null

test_false := false

test_empty := {}

todo_test_cases[note] if {
	some note in ["a"]
	false
}
