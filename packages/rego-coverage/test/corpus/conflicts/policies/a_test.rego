package conflicts_test

import data.conflicts

test_a if conflicts.x == 1 with input.a as true

test_both if conflicts.x == 1 with input as {"a": true, "b": true}
