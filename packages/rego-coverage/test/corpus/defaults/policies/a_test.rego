package defaults_test

import data.defaults

test_ok if defaults.allow with input.ok as true

test_not if not defaults.allow with input.ok as false

test_reason if defaults.reason.code == 0 with input.ok as true
