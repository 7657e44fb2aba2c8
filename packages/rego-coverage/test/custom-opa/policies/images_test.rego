package images_test

import data.images

test_foreign_image if images.deny == {"elsewhere.example/a"} with input.images as ["elsewhere.example/a"]

test_own_image if count(images.deny) == 0 with input.images as ["registry.example/a"]
