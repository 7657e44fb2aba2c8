package pragmas_test

import data.pragmas

test_ok if pragmas.allow with input.ok as true

test_deny if count(pragmas.deny) == 0 with input as {"a": true, "b": false}
