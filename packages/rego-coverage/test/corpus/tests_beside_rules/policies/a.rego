package tests_beside_rules

allow if input.ok

deny if input.bad

test_allow if allow with input.ok as true
