package same

test_a if allow with input.a as true

test_b if allow with input.b as 1
