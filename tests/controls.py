"""What a customer may press on a page, as a browser without a script reads it: links, and forms with their buttons."""

from dataclasses import dataclass, field
from html.parser import HTMLParser

Field = tuple[str, str]
_TYPED_IN = {"text", "tel", "email", "number", "date", "hidden"}


@dataclass
class Form:
    """A form as it stands in the page: where it leads, what it holds, what may be chosen, and what may be pressed."""

    method: str
    action: str
    held: list[Field] = field(default_factory=list)
    open: list[str] = field(default_factory=list)  # the names of what is typed
    choices: list[Field] = field(default_factory=list)
    buttons: list[Field | None] = field(default_factory=list)

    def filled(self, typed: dict[str, str], chosen: Field | None = None, button: Field | None = None) -> list[Field]:
        """What is sent after that was typed, chosen and pressed."""
        held = [(name, text) for name, text in self.held if chosen is None or name != chosen[0]]
        held += [(name, typed[name]) for name in self.open if name in typed]
        return [*dict(held).items(), *([chosen] if chosen else []), *([button] if button else [])]


class Page(HTMLParser):
    """A page's headings, its links but for that to the other language, and its forms by their ids."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.forms: dict[str, Form] = {}
        self.headings: list[str] = []
        self._form = self._select = self._tag = ""
        self._hidden = 0  # in how many templates we are: nobody sees them
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a link, a form, or one of its controls."""
        said = {name: text or "" for name, text in attrs}
        self._tag = tag
        self._hidden += tag == "template"
        if tag == "a" and not self._hidden and "hreflang" not in said:
            self.links.append(said["href"])
        elif tag == "form":
            self._form = said.get("id", f"form {len(self.forms)}")
            form = self._of(said)
            form.method, form.action = said.get("method", "get"), said.get("action", "")
        elif tag == "h1":
            self.headings.append("")
        elif tag in {"input", "select", "option", "button"} and "disabled" not in said:
            self._control(tag, said)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """As if it had been opened: nothing here closes itself."""
        self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        """Leave a form, or what nobody sees."""
        self._hidden -= tag == "template"
        if tag == "form":
            self._form = ""
        elif tag == "h1":
            self._tag = ""

    def handle_data(self, data: str) -> None:
        """Note the words of a heading."""
        if self.headings and self._tag:
            self.headings[-1] += data

    def _of(self, said: dict[str, str]) -> Form:
        return self.forms.setdefault(said.get("form", self._form), Form("", ""))

    def _control(self, tag: str, said: dict[str, str]) -> None:
        kind = said.get("type", "text" if tag == "input" else "submit")
        value = (said.get("name", self._select), said.get("value", ""))
        if tag == "select":
            self._select = said["name"]
        elif tag == "button":
            if kind == "submit":
                self._of(said).buttons.append(value if said.get("name") else None)
        elif tag == "option" or kind == "radio":
            self._of(said).choices.append(value)
            if "checked" in said or "selected" in said:
                self._of(said).held.append(value)
        else:
            assert kind in _TYPED_IN, kind
            self._of(said).held.append(value)
            if kind != "hidden":
                self._of(said).open.append(value[0])
