package untested_test

import data.untested.a

test_x if a.x == 1
