package todo_only

x := 1
