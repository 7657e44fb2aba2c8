package failing_test

import data.failing

test_root if failing.allow with input as {"user": "root", "mfa": true}

test_wrong if {
	print("the auditor may write:", input)
	failing.allow with input as {"user": "auditor", "read_only": false}
}

test_wrong if failing.deny == {"open"} with input.closed as true

test_right if not failing.allow with input as {}
