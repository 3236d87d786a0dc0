"""Characters that are copied along with a token, unseen or taken for its quotes."""

import re

QUOTE_CHARACTERS = "\"'`´‘’‚‛“”„‟«»‹›"
# Unicode's white space, controls, and invisible characters: zero-width ones, BOM, soft hyphen.
UNSEEN = re.compile(
    "[\\s\x00-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e"
    "\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0]"
)
