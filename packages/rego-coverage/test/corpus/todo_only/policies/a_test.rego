package todo_only_test

import data.todo_only

todo_test_x if todo_only.x == 1
