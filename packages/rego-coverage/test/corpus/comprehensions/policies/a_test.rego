package comprehensions_test

import data.comprehensions

test_names if comprehensions.names == ["a"] with input.users as [{"name": "a"}]

test_big if comprehensions.big == set() with input.numbers as []

test_by_name if comprehensions.by_name == {} with input.users as [{"name": "a", "active": false}]

test_nested if comprehensions.nested == [] with input.lists as []
