"""Sphinx: one project for each language, from the sources that ``python -m tools.website`` assembles."""

import json
import os
import re
import sys
from pathlib import Path

from sphinx.application import Sphinx
from sphinx.search import languages

sys.path[:0] = [str(Path(__file__).resolve().parents[2])]

import funnelnb  # noqa: E402
from tools.website.chinese import Bigrams  # noqa: E402

LANG = os.environ["FUNNELNB_SITE_LANG"]
OTHER = {"en": "zh", "zh": "en"}[LANG]

project = "funnelnb"
author = "The funnelnb authors"
project_copyright = "the funnelnb authors"
release = version = funnelnb.__version__

language = {"en": "en", "zh": "zh_CN"}[LANG]
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
source_suffix = {".md": "markdown"}
templates_path = ["templates"]
suppress_warnings = ["misc.highlighting_failure", "myst.header"]

myst_heading_anchors = 3
myst_enable_extensions = ["attrs_block"]

autodoc_typehints = "none"
autodoc_member_order = "bysource"
autodoc_class_signature = "mixed"
napoleon_google_docstring = False
napoleon_use_rtype = False
napoleon_use_ivar = True
add_module_names = False
html_show_sphinx = True
html_show_sourcelink = False
html_copy_source = False
html_show_search_summary = False  # it would read the pages again, which a browser refuses for files

html_theme = "furo"
html_title = "funnelnb"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_theme_options = {"top_of_page_buttons": []}
html_sidebars = {
    "**": [
        "sidebar/brand.html",
        "sidebar/language.html",
        "sidebar/search.html",
        "sidebar/scroll-start.html",
        "sidebar/navigation.html",
        "sidebar/scroll-end.html",
    ]
}
html_context = {
    "other_lang": OTHER,
    "other_name": {"en": "English", "zh": "中文"}[OTHER],
    "other_pages": json.loads(Path(os.environ["FUNNELNB_SITE_PAGES"]).read_text(encoding="utf-8"))[OTHER],
}

languages["zh"] = Bigrams


_SEVERAL = re.compile(r"\w+(?:, \w+)+(?= : |$)")


def one_by_one(_app: object, what: str, _name: str, _one: object, _options: object, lines: list[str]) -> None:
    """Give every attribute of ``a, b : float`` an entry of its own: Sphinx takes the first for a type."""
    if what != "class":
        return
    out: list[str] = []
    rest = list(lines)
    while rest:
        line = rest.pop(0)
        if not (found := _SEVERAL.match(line)):
            out.append(line)
            continue
        about = []
        while rest and rest[0].startswith(" "):
            about.append(rest.pop(0))
        for name in found.group().split(", "):
            out += [name + line[found.end() :], *about]
    lines[:] = out


def without_fields(_app: object, what: str, *_: object) -> tuple[str, None] | None:
    """Leave out how a result is made: nobody but the package makes one, and its fields stand below."""
    return ("", None) if what == "class" else None


def setup(app: Sphinx) -> None:
    """Register both."""
    app.connect("autodoc-process-docstring", one_by_one, priority=100)
    app.connect("autodoc-process-signature", without_fields)
