package a_test

import data.a

test_function(z) if z == a.x

test_value(z) := z

todo_test_function(z) if z == 1

test_two(y, z) if y == z

test_uses if test_two(a.f(1), 2)

test_ if a.x == 1

test if a.x == 1

xtest_no if a.x == 1
