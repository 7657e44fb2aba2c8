package default_functions_test

import data.default_functions

test_root if default_functions.level("root") == "high"
