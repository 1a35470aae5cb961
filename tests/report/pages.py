"""What every page must be: whole, self-contained, and of use to those who do not see it."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any

VOID = ("meta",)
#: attributes that make a browser load something
LOADING = {"src", "href", "xlink:href", "srcset", "data", "action", "poster", "background"}


class Page(HTMLParser):
    """The elements of a page, in their order: the tag, the attributes, the tags around it, and the text right in it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[int] = []
        self.elements: list[tuple[str, dict[str, Any], tuple[str, ...]]] = []
        self.texts: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attributes: Any) -> None:
        self.handle_startendtag(tag, attributes)
        if tag not in VOID:
            self.open.append(len(self.elements) - 1)

    def handle_startendtag(self, tag: str, attributes: Any) -> None:
        around = tuple(self.elements[place][0] for place in self.open)
        names = [name for name, _ in attributes]
        assert len(set(names)) == len(names), (tag, names)
        self.elements.append((tag, dict(attributes), around))
        self.texts.append("")

    def handle_endtag(self, tag: str) -> None:
        assert self.elements[self.open.pop()][0] == tag

    def handle_data(self, data: str) -> None:
        if self.open:
            self.texts[self.open[-1]] += data

    def find(self, tag: str, **wanted: str) -> list[int]:
        """The places of the elements of a tag with these attributes (`look` for "class")."""
        if "look" in wanted:
            wanted["class"] = wanted.pop("look")
        return [
            place
            for place, (name, attributes, _) in enumerate(self.elements)
            if name == tag and all(attributes.get(key) == value for key, value in wanted.items())
        ]

    def text(self, tag: str, **wanted: str) -> list[str]:
        """The texts of those elements."""
        return [self.texts[place] for place in self.find(tag, **wanted)]


def check_page(text: str) -> Page:
    """Parse a whole page, and hold it to what holds for all."""
    page = Page(text)
    assert page.open == []  # everything is closed
    assert "http" not in text  # nothing is loaded from elsewhere
    assert not re.search(r"@import|url\(", text)
    identifiers = [attributes["id"] for _, attributes, _ in page.elements if "id" in attributes]
    assert len(set(identifiers)) == len(identifiers)
    for tag, attributes, around in page.elements:
        assert not LOADING & set(attributes), (tag, attributes)
        assert tag not in ("link", "img", "iframe", "object", "embed", "base")
        if tag == "th":
            assert attributes["scope"] in ("col", "row")
        if tag == "svg" and "svg" not in around and "aria-hidden" not in attributes:
            assert attributes["role"] == "img"
            assert "aria-label" in attributes or set(attributes["aria-labelledby"].split()) <= set(identifiers)
    return page
