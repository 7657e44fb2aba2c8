package crlf_test

import data.crlf

test_root if not crlf.allow with input.user as "root"
