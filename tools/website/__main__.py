"""Build the documentation site into ``build/site`` and check it. Usage: python -m tools.website [folder]"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

from tools.website import links, pages, running

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
LANGUAGES = ("en", "zh")
BESIDE = ("ARCHITECTURE.md", "CONTRIBUTING.md", "DECISIONS.md", "CHANGELOG.md")
"""Documents of the project that are pages of the English site."""

NAVIGATION = {
    "en": {
        "Start": ["tutorial", "howto"],
        "How do I…": [
            "Get my data in? <data>",
            "Use my own stages? <playbooks>",
            "Measure how long deals take? <durations>",
            "Plan for a target? <targets>",
            "Forecast a quarter? <forecast>",
            "Decide whom to call first? <priorities>",
            "Find what is sick, and write the report? <diagnosis>",
            "Read the charts? <charts>",
            "Make a report per region? <batch>",
            "Teach with it? <trainers-guide>",
        ],
        "Notebooks": [],
        "What it means, and is it right?": ["DECISIONS", "glossary", "methods", "method/index"],
        "For those who write code": ["api/index", "ARCHITECTURE", "CONTRIBUTING", "CHANGELOG"],
    },
    "zh": {
        "开始": ["tutorial", "instruments", "diagnosis", "behaviour", "trainers-guide"],
        "分析示例": [],
        "含义": ["glossary"],
    },
}
NOTEBOOKS = {"en": "Notebooks", "zh": "分析示例"}
MORE = {"en": "More", "zh": "更多"}
_LINK = re.compile(r"(?<!!)\[([^\]]*)\]\(([^)\s]+)\)")


def assemble(sources: Path) -> dict[str, list[str]]:
    """Write the sources of both languages into `sources`; return the names of their pages."""
    texts = {lang: made(lang) for lang in LANGUAGES}  # imports the package before the pool is forked
    for lang in LANGUAGES:
        without = shutil.ignore_patterns("*.md", "zh", "*.toml", "__pycache__")
        shutil.copytree(ROOT / "docs", sources / lang, ignore=without)
        (sources / lang / "_pictures").mkdir()
    with ProcessPoolExecutor(max_workers=2) as pool:
        run = {
            (lang, name): pool.submit(*task, sources / lang / "_pictures")
            for lang in LANGUAGES
            for name, task in tasks(lang).items()
        }
        for (lang, name), one in run.items():
            texts[lang][name] = one.result()
    for lang, found in texts.items():
        names = sorted(found)
        for name, text in found.items():
            (sources / lang / name).parent.mkdir(parents=True, exist_ok=True)
            shown = text + navigation(lang, names) if name == "index.md" else text
            (sources / lang / name).write_text(linked(shown, name, names), encoding="utf-8")
    return {lang: sorted(name.removesuffix(".md") for name in found) for lang, found in texts.items()}


def tasks(lang: str) -> dict[str, tuple[Any, ...]]:
    """Return what is to be run for the documents and notebooks of one language, the longest first."""
    notebooks = sorted((ROOT / "notebooks" / lang).glob("*.ipynb"))
    return {
        **{f"notebooks/{path.stem}.md": (running.notebook, path) for path in notebooks},
        **{path.name: (running.document, path, lang) for path in documents(lang)},
    }


def documents(lang: str) -> list[Path]:
    """Return the written documents of one language."""
    folder = ROOT / "docs" if lang == "en" else ROOT / "docs" / lang
    return sorted(folder.glob("*.md")) + ([ROOT / name for name in BESIDE] if lang == "en" else [])


def made(lang: str) -> dict[str, str]:
    """Return the pages of one language that are made from the package."""
    if lang == "zh":
        return {"glossary.md": pages.glossary(lang)}
    return {"glossary.md": pages.glossary(lang), **pages.reference(), **pages.methods()}


def navigation(lang: str, names: list[str]) -> str:
    """Return the tables of contents of the start page; what no list names comes last."""
    known = {name.removesuffix(".md") for name in names}
    trees = {caption: list(entries) for caption, entries in NAVIGATION[lang].items()}
    trees[NOTEBOOKS[lang]] += sorted(name for name in known if name.startswith("notebooks/"))
    listed = {entry.split("<")[-1].rstrip(">") for entries in trees.values() for entry in entries}
    rest = [name for name in sorted(known) if "/" not in name and name not in listed and name != "index"]
    trees |= {MORE[lang]: rest} if rest else {}
    return "".join(pages.toctree(entries, caption, hidden=True) for caption, entries in trees.items())


def linked(text: str, name: str, names: list[str]) -> str:
    """Return a page with its links turned to where the documents lie in the site.

    A link to a file of the project that is no page of the site becomes the name of the file.
    """
    home = Path(name).parent

    def turned(found: re.Match[str]) -> str:
        words, link = found.groups()
        path, _, place = link.partition("#")
        if path.endswith(".ipynb") and os.path.normpath(home / f"{path[:-6]}.md") in names:
            path = f"{path[:-6]}.md"  # one notebook names the next
        if not path or re.match(r"[a-z]+:|/", path):
            return found.group(0)
        plain = os.path.normpath(home / path)
        plain = (
            plain
            if plain in names
            else Path(path).name
            if Path(path).name in names and not path.startswith("notebooks")
            else plain
        )
        if plain in names:
            return f"[{words}]({os.path.relpath(plain, home)}{'#' + place if place else ''})"
        return (
            f"{words} (`{path.removeprefix('../')}`)"
            if (ROOT / path.removeprefix("../")).exists()
            else found.group(0)
        )

    return _LINK.sub(turned, text)


def build(site: Path) -> int:
    """Build both languages and check them; return the number of problems."""
    began = time.monotonic()
    shutil.rmtree(site, ignore_errors=True)
    sources = site.with_name(f"{site.name}-sources")
    shutil.rmtree(sources, ignore_errors=True)
    sources.mkdir(parents=True)
    names = assemble(sources)
    (sources / "pages.json").write_text(json.dumps(names), encoding="utf-8")
    print(f"assembled {sum(map(len, names.values()))} pages in {time.monotonic() - began:.0f} s", flush=True)
    ends = [process.wait() for process in [sphinx(lang, sources / lang, site / lang) for lang in LANGUAGES]]
    if any(ends):
        return sum(map(bool, ends))
    shutil.copy(HERE / "choose.html", site / "index.html")
    found = links.problems(site)
    print("\n".join(found) or f"every link leads somewhere, nothing comes from outside: {site}/index.html")
    print(f"built in {time.monotonic() - began:.0f} s")
    return len(found)


def sphinx(lang: str, source: Path, target: Path) -> subprocess.Popen[bytes]:
    """Start Sphinx for one language; a warning is an error."""
    env = {**os.environ, "FUNNELNB_SITE_LANG": lang, "FUNNELNB_SITE_PAGES": str(source.parent / "pages.json")}
    command = [sys.executable, "-m", "sphinx", "-b", "html", "-q", "-W", "--keep-going", "-c", str(HERE)]
    trees = ["-d", str(source.parent / f"doctrees-{lang}")]
    return subprocess.Popen([*command, *trees, str(source), str(target)], env=env)


if __name__ == "__main__":
    place = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "build" / "site"
    sys.exit(1 if build(place.resolve()) else 0)
