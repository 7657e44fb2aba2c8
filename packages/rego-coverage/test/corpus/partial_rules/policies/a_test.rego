package partial_rules_test

import data.partial_rules

test_sites if partial_rules.sites == {"a"} with input.sites as [{"name": "a", "port": 0}]

test_no_violation if count(partial_rules.violation) == 0 with input.sites as [{"name": "a", "port": 8080}]
