package mocks_test

import data.mocks

stub(_) := {"body": {"status": "active"}}

test_fresh if {
	mocks.fresh with input as {"created": 1, "user": "a"}
		with data.settings.limit as 10
		with time.now_ns as 5
		with http.send as stub
}

test_stale if {
	not mocks.fresh with input as {"created": 1, "user": "a"}
		with data.settings.limit as 10
		with time.now_ns as 50
}
