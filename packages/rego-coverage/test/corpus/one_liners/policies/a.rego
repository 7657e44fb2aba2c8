package one_liners

never if false

always if true

pi := 3.14

tau := pi * 2

name := input.name

empty_set := set()
