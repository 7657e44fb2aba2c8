package failing_cases_test

import data.failing_cases

test_sum[tc.note] if {
	some tc in [
		{"note": "one and one", "a": 1, "b": 1, "sum": 2},
		{"note": "two and two", "a": 2, "b": 2, "sum": 5},
		{"note": "with \"quotes\", and more", "a": 0, "b": 0, "sum": 1},
	]
	failing_cases.sum(tc.a, tc.b) == tc.sum
}
