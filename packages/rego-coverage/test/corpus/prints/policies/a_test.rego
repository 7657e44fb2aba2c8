package prints_test

import data.prints

test_root if prints.allow with input.user as "root"
