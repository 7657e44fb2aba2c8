package todo_test

import data.todo

test_ok if todo.allow with input.ok as true

todo_test_bad if todo.deny with input.bad as true
