"""Do all links of the site lead somewhere, and do its pages ask for nothing from outside?"""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

if TYPE_CHECKING:
    from pathlib import Path

_LOADED = {
    "script": "src",
    "img": "src",
    "iframe": "src",
    "source": "src",
    "video": "src",
    "audio": "src",
    "embed": "src",
    "object": "data",
    "use": "href",
    "image": "href",
}
_FROM_OUTSIDE = re.compile(r"^(?:[a-z]+:)?//", re.IGNORECASE)
_IN_SCRIPT = re.compile(
    r"""(?:fetch|import|importScripts|WebSocket|src\s*=)\s*\(?\s*['"`](?:(?:https?|wss?):)?//"""
)
_IN_STYLE = re.compile(r"""(?:url\(|@import)\s*['"]?((?:https?:)?//[^'")\s]+)""", re.IGNORECASE)


class _Page(HTMLParser):
    """What a page links to, what it loads, and the places in it that a link can name."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.loads: list[str] = []
        self.places: set[str] = set()
        self.styles = ""
        self.scripts = ""
        self._inside = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.places |= {given[name] for name in ("id", "name") if name in given}
        self.styles += given.get("style", "")
        self._inside = tag
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        if tag == "link" and given.get("rel", "") not in {"canonical", "author", "license"}:
            self.loads.append(given.get("href", ""))
        for name in (_LOADED.get(tag, ""), "xlink:href"):
            if name and tag in _LOADED and name in given:
                self.loads.append(given[name])
        self.loads += [part.split()[0] for part in given.get("srcset", "").split(",") if part.strip()]

    def handle_data(self, data: str) -> None:
        if self._inside == "style":
            self.styles += data
        elif self._inside == "script":
            self.scripts += data

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""


def read(path: Path) -> _Page:
    """Return what a page links to and loads."""
    page = _Page()
    page.feed(path.read_text(encoding="utf-8"))
    return page


def problems(site: Path) -> list[str]:
    """Return every link of the site that leads nowhere, and everything that would be fetched from outside."""
    pages = {path.resolve(): read(path) for path in sorted(site.rglob("*.html"))}
    found = []
    for path, page in pages.items():
        name = path.relative_to(site.resolve())
        found += [f"{name} loads {one} from outside" for one in page.loads if _FROM_OUTSIDE.match(one)]
        found += [f"{name} loads {one} from outside" for one in _IN_STYLE.findall(page.styles)]
        if _IN_SCRIPT.search(page.scripts):
            found.append(f"{name}: a script asks for something from outside")
        inside = [
            one
            for one in page.links + page.loads
            if not urlsplit(one).scheme and not _FROM_OUTSIDE.match(one)
        ]
        found += [f"{name}: {why}" for one in dict.fromkeys(inside) if (why := _dead(path, one, pages))]
    for path in sorted(site.rglob("*.css")):
        found += [
            f"{path.relative_to(site)} loads {one} from outside"
            for one in _IN_STYLE.findall(path.read_text(encoding="utf-8"))
        ]
    return found


def _dead(path: Path, link: str, pages: dict[Path, _Page]) -> str:
    """Return why a link inside the site leads nowhere, or nothing."""
    parts = urlsplit(link)
    target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
    if target.is_dir():
        target = target / "index.html"
    if not target.exists():
        return f"{link} is not there"
    place = unquote(parts.fragment)
    if place and target in pages and place not in pages[target].places:
        return f"{link}: the page has no such place"
    return ""
