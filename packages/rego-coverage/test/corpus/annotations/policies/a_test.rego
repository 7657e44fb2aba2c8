package annotations_test

import data.annotations

test_reader if annotations.allow with input.role as "reader"
