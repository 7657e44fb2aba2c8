package a_test

import data.a

test_x if a.x == 1

test_x if a.x == 2

test_x if a.f(1) == 2
