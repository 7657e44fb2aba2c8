package hidden_test

import data.hidden.a

test_x if a.x == 1
