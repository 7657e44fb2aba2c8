package functions_test

import data.functions

test_trim if functions.trim_all([" a "]) == ["a"]

test_small if functions.classify(1) == "small"

test_root if functions.is_root("root")
