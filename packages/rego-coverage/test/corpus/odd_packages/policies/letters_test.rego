package a["größe"].test_inner

import data.a

test_x if a.s == {1} with input.s as true

suite["test-y"] if a.x == 1

suite["test_z z"].k if a.x == 2
