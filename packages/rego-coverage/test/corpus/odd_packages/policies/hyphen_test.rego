package a["b-c"].d

import data.a

test_x if a.x == 1

test_y if a.x == 2
