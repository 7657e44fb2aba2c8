package unicode_test

import data.unicode

test_greeting if not unicode.greetings["日本"] with input.name as "🙂🙂"

test_emoji if unicode.emoji == {"é"} with input.e as "é"

test_last if not unicode.last with input as {"p": "🙂", "q": false}
