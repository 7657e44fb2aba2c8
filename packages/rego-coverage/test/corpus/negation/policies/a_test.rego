package negation_test

import data.negation

test_user if negation.allow with input as {"user": "a", "groups": ["staff"]}
