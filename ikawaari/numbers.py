"""Numbers as people type them, and as the page itself writes them: "1 000", "1.000,50", "1,000.50".

Digits are 0 to 9; those of other scripts, exponents, `1_000` and ambiguous numbers are refused.
"""

import re

_MOST_DIGITS = 30
_GROUPED = re.compile(r"[1-9][0-9]{0,2}([ \u00a0\u202f\u2009'’.,])[0-9]{3}(?:\1[0-9]{3})*(?:(?!\1)[.,]([0-9]+))?")
_PLAIN = re.compile(r"[0-9]+(?:[.,]([0-9]+))?")
_SIGN = re.compile(r"[+\-\u2212]")
_LONGEST_ZEROS = 2  # "5.00" is five; "5.0000" may mean fifty thousand


def read(text: str, decimals: int = 0) -> str:
    """The canonical spelling of a number: "-1234.5", without grouping and superfluous zeros.

    A point or a comma before the last three digits groups thousands, unless the number has three `decimals`.
    Raises ValueError.
    """
    sign, text = ("", text) if not _SIGN.match(text) else (text[0], text[1:])
    plain, grouped = _PLAIN.fullmatch(text), _GROUPED.fullmatch(text)
    match = (plain or grouped) if decimals == 3 else (grouped or plain)
    if match is None or len(text) > _MOST_DIGITS:
        raise ValueError("not a number")
    fraction = match[match.re.groups] or ""
    if len(fraction) > max(_LONGEST_ZEROS, decimals) and not fraction.strip("0"):
        raise ValueError("a number that may have been another one")
    whole = re.sub("[^0-9]", "", text[: match.start(match.re.groups)] if fraction else text).lstrip("0") or "0"
    fraction = fraction.rstrip("0")
    number = f"{whole}.{fraction}" if fraction else whole
    return f"-{number}" if sign in {"-", "\u2212"} and number != "0" else number
