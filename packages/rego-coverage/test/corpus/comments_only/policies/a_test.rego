package comments_only_test

import data.comments_only.a

test_x if a.x == 1
