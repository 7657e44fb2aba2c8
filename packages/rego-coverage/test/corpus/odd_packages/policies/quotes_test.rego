package a["b\"c"]["d e.f"]

import data.a

test_x if a.f(1) == 2

test_y if a.x == 2
