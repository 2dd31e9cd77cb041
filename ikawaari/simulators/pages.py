"""The page on which a customer pays or refuses, where a provider has one."""

from collections.abc import Mapping
from html import escape

from ikawaari.simulators.web import Answer

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{title}</title></head>
<body><h1>{title}</h1><p>{text}</p><form method="post"{action}>{inputs}{buttons}</form></body>
</html>
"""


def choice(title: str, text: str, choices: Mapping[str, str], asks: Mapping[str, str] | None = None) -> Answer:
    """A page whose buttons send `decision=<name>` to its own address, by POST, with what it `asks` for.

    `choices` and `asks` are names and labels.
    """
    inputs = " ".join(
        f'<label>{escape(label)} <input name="{escape(name)}"></label>' for name, label in (asks or {}).items()
    )
    buttons = " ".join(
        f'<button name="decision" value="{escape(name)}">{escape(label)}</button>' for name, label in choices.items()
    )
    page = _PAGE.format(title=escape(title), text=escape(text), action="", inputs=inputs, buttons=buttons)
    return Answer(200, page.encode(), "text/html; charset=utf-8")


def handed_back(title: str, text: str, url: str, names: Mapping[str, str]) -> Answer:
    """A page whose only button sends the browser to `url`, by POST, with `names`."""
    inputs = "".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">' for name, value in names.items()
    )
    action, button = f' action="{escape(url)}"', "<button>Back to the shop</button>"
    page = _PAGE.format(title=escape(title), text=escape(text), action=action, inputs=inputs, buttons=button)
    return Answer(200, page.encode(), "text/html; charset=utf-8")


def back_to(url: str) -> Answer:
    """Send the browser on."""
    return Answer(303, headers={"Location": url})
