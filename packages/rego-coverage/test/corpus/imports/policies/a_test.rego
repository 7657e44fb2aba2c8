package imports_test

import data.imports
import rego.v1

test_root if imports.allow with input.request.user as "root"
