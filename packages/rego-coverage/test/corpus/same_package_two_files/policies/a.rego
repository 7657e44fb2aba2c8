package same

allow if input.a

allow if helper(input.b)
