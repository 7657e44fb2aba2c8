package one_liners_test

import data.one_liners

test_never if not one_liners.never

test_tau if one_liners.tau > 6
