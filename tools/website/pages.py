"""Pages that are made from the package itself: reference, methods, glossary."""

from __future__ import annotations

import csv
import dataclasses
import importlib
import inspect
import pkgutil
import re
import tomllib
from pathlib import Path
from typing import Any

import funnelnb as fn

ROOT = Path(__file__).resolve().parents[2]
LANGUAGES = ("en", "zh")


# ---- the reference, by question --------------------------------------------------------------------------------


def questions() -> dict[str, list[str]]:
    """Return the public names by the question they answer, as the comments of ``__init__.pyi`` group them."""
    groups: dict[str, list[str]] = {}
    current = ""
    for line in (ROOT / "funnelnb" / "__init__.pyi").read_text(encoding="utf-8").splitlines():
        if line.startswith("# ") and line.endswith("?"):
            current = line.removeprefix("# ")
        elif (named := re.search(r" as (\w+)$", line)) and current:
            groups.setdefault(current, []).append(named.group(1))
    rest = sorted(set(fn.__all__) - {name for names in groups.values() for name in names})
    if rest:
        groups["What else is there?"] = rest
    for names in groups.values():  # namespaces after the questions that stand at the top
        names.sort(key=lambda name: inspect.ismodule(getattr(fn, name)))
    return groups


def inner(space: Any) -> dict[str, Any]:
    """Return the documented functions and classes of a namespace by their names."""
    own = {name: getattr(space, name) for name in getattr(space, "__all__", ())}
    return {
        name: one
        for name, one in own.items()
        if inspect.isfunction(one) or (inspect.isclass(one) and one.__doc__)
    }


def slug(words: str) -> str:
    """Return words as the name of a page."""
    return "-".join(re.findall(r"[a-z]+", words.lower())[:8])


def result_classes(function: Any) -> list[type]:
    """Return the dataclass that a public function returns, and those that its fields are made of."""
    module = importlib.import_module(function.__module__)
    name = str(inspect.signature(function).return_annotation).strip("'\"")
    found: list[type] = []
    waiting = [name]
    while waiting:
        for word in re.findall(r"[A-Z]\w+", waiting.pop()):
            known = getattr(module, word, None) or getattr(
                inspect.getmodule(found[0]) if found else None, word, None
            )
            if dataclasses.is_dataclass(known) and isinstance(known, type) and known not in found:
                found.append(known)
                waiting += [str(one.type) for one in dataclasses.fields(known)]
    return [one for one in found if one.__module__.startswith("funnelnb.") and one.__doc__]


def first_line(documented: Any) -> str:
    """Return the first sentence of a docstring: the question that it answers."""
    return inspect.cleandoc(documented.__doc__ or "").split("\n\n")[0].replace("\n", " ")


def documented(dotted: str) -> str:
    """Return the docstring of what a dotted name stands for."""
    home, _, name = dotted.rpartition(".")
    return inspect.cleandoc(getattr(importlib.import_module(home), name).__doc__ or "")


def directive(kind: str, target: str, *options: str) -> str:
    """Return an autodoc directive for a MyST page."""
    lines = [f".. {kind}:: {target}", *(f"   :{one}:" for one in options)]
    return "```{eval-rst}\n" + "\n".join(lines) + "\n```\n"


def reference_page(title: str, names: list[str], seen: set[type]) -> str:
    """Return the page of one question: every function, and the results that it returns."""
    parts = [f"# {title}\n"]
    for name in names:
        one = getattr(fn, name)
        parts.append(f"## fn.{name}\n")
        if inspect.ismodule(one):
            parts.append(first_line(one) + "\n")
            for own, each in inner(one).items():
                parts += [f"### fn.{name}.{own}\n", *_entry(each, seen)]
        else:
            parts += _entry(one, seen)
    return "\n".join(parts)


def _entry(one: Any, seen: set[type]) -> list[str]:
    """Return what documents a function with its results, or a class; nothing is documented twice."""
    dotted = f"{one.__module__}.{one.__qualname__}"
    if inspect.isclass(one):
        if one in seen:
            return [f"See `{one.__qualname__}` above.\n"]
        seen.add(one)
        return [directive("autoclass", dotted, "members")]
    new = [result for result in result_classes(one) if result not in seen]
    seen.update(new)
    more = [directive("autoclass", f"{each.__module__}.{each.__qualname__}", "no-members") for each in new]
    return [directive("autofunction", dotted), *more]


def reference() -> dict[str, str]:
    """Return the pages of the reference."""
    seen: set[type] = set()
    pages = {}
    lines = [
        "# Reference\n",
        "Every public name, by the question it answers. `import funnelnb as fn` first.\n",
    ]
    for question, names in questions().items():
        page = slug(question)
        pages[f"api/{page}.md"] = reference_page(question, names, seen)
        lines += [f"## [{question}]({page}.md)\n", "| name | what it answers |", "|---|---|"]
        for name in names:
            one = getattr(fn, name)
            every = {name: one} | (
                {f"{name}.{own}": each for own, each in inner(one).items()} if inspect.ismodule(one) else {}
            )
            lines += [
                f"| [`fn.{own}`]({page}.md#{_anchor(own)}) | {_cell(first_line(each))} |"
                for own, each in every.items()
            ]
        lines.append("")
    pages["api/index.md"] = "\n".join(lines) + toctree([slug(one) for one in questions()], hidden=True)
    return pages


def _anchor(name: str) -> str:
    """Return the place of a heading such as ``fn.customers.levels``."""
    return re.sub(r"[^a-z0-9_-]", "", f"fn.{name}".lower())


def _cell(text: str) -> str:
    return re.sub(r"``([^`]+)``", r"`\1`", text).replace("|", "\\|").replace("<", "\\<")


def toctree(names: list[str], caption: str = "", *, hidden: bool = False) -> str:
    """Return a table of contents."""
    options = ([f":caption: {caption}"] if caption else []) + ([":hidden:"] if hidden else [])
    return "\n".join(["\n```{toctree}", ":maxdepth: 1", *options, "", *names, "```\n"])


# ---- one page per method ---------------------------------------------------------------------------------------


def statistics() -> dict[str, str]:
    """Return where each public function and class of ``funnelnb.stats`` is defined, by its name."""
    import funnelnb.stats

    homes: dict[str, str] = {}
    for found in pkgutil.walk_packages(funnelnb.stats.__path__, "funnelnb.stats."):
        module = importlib.import_module(found.name)
        for name, one in vars(module).items():
            if not name.startswith("_") and getattr(one, "__module__", "") == found.name:
                homes[name] = f"{found.name}.{name}"
    return homes


def coverage() -> list[dict[str, str]]:
    """Return every simulated coverage of an interval that is stored beside the tests.

    Tables of other figures, such as those on incomplete data, have a page of their own (``docs/coverage.md``).
    """
    rows = []
    for path in sorted((ROOT / "tests" / "reference").glob("coverage*.csv")):
        lines = path.read_text(encoding="utf-8").splitlines()
        head = lines[0].removeprefix("# ") if lines[0].startswith("#") else ""
        table = csv.DictReader(line for line in lines if not line.startswith("#"))
        rows += [
            {**row, "file": path.name, "made": head} for row in table if {"interval", "coverage"} <= set(row)
        ]
    return rows


def method_page(
    method: dict[str, Any],
    homes: dict[str, str],
    rows: list[dict[str, str]],
    elsewhere: set[str] | None = None,
) -> str:
    """Return the page of one method: question, answer, formula and source, and how its intervals fared.

    Functions in `elsewhere` stand on another page already; those of this page are added to it.
    """
    parts = [f"# {method['title']}\n", f"**{method['question']}**\n", f"{method['about']}\n"]
    if method.get("asked_by"):
        used = ", ".join(f"`fn.{name}`" for name in method["asked_by"])
        parts.append(f"You meet it in {used}.\n")
    pattern = method.get("coverage")
    mine = [row for row in rows if pattern and re.search(pattern, row["interval"])]
    parts.append("## Formula, source, and what it was checked against\n")
    known = set() if elsewhere is None else elsewhere
    for name in method["functions"]:
        parts.append(directive("autofunction", homes[name], *(["no-index"] if name in known else [])))
        known.add(name)
    if mine:
        parts += ["## Do its intervals hold the truth?\n", *_coverage(mine)]
    return "\n".join(parts)


def _coverage(rows: list[dict[str, str]]) -> list[str]:
    parts = ["How often 90 % intervals held the true value, simulated with known truth. 90 % is the aim.\n"]
    for file in dict.fromkeys(row["file"] for row in rows):
        mine = [row for row in rows if row["file"] == file]
        parts += ["| interval | setting | coverage |", "|---|---|---|"]
        parts += [
            f"| {row['interval']} | {row['setting']} | {100 * float(row['coverage']):.1f} % |" for row in mine
        ]
        parts.append(f"\n`tests/reference/{file}`: {mine[0]['made']}.\n")
    parts.append("How figures fare on incomplete data: [What holds on incomplete data](../coverage.md).\n")
    return parts


def methods() -> dict[str, str]:
    """Return one page per method, and their list."""
    known = tomllib.loads((ROOT / "docs" / "methods.toml").read_text(encoding="utf-8"))["methods"]
    homes, rows = statistics(), coverage()
    shown: set[str] = set()
    pages = {f"method/{one['id']}.md": method_page(one, homes, rows, shown) for one in known}
    lines = [
        "# Methods, one by one\n",
        "What they have in common, and the whole evidence, stands in [Methods](../methods.md).\n",
    ]
    lines += ["| question | method |", "|---|---|"]
    lines += [f"| {one['question']} | [{one['title']}]({one['id']}.md) |" for one in known]
    pages["method/index.md"] = "\n".join(lines) + "\n" + toctree([one["id"] for one in known], hidden=True)
    return pages


# ---- the glossary ----------------------------------------------------------------------------------------------

_WORDS = {
    "en": {
        "title": "Glossary",
        "about": "Every term in English and Chinese, and every figure that a table, chart or report can show.",
        "terms": "Terms",
        "head": "| English | 中文 | what it means |",
        "fields": "Figures",
        "field_head": "| figure | 中文 | what it means | field |",
        "not": "Not called: {words}.",
    },
    "zh": {
        "title": "术语表",
        "about": "全部术语的中英文对照，以及表格、图形和报告中出现的每一项指标。",
        "terms": "术语",
        "head": "| 中文 | English | 含义 |",
        "fields": "指标",
        "field_head": "| 指标 | English | 含义 | 字段 |",
        "not": "不称为：{words}。",
    },
}


def fields(lang: str) -> dict[str, tuple[str, str]]:
    """Return label and definition of every field of the dictionary, by the field's name."""
    found: dict[str, tuple[str, str]] = {}
    folder = ROOT / "funnelnb" / "show" / "lang"
    for path in sorted(folder.glob(f"*{lang}.toml")):
        for name, entry in tomllib.loads(path.read_text(encoding="utf-8")).get("fields", {}).items():
            if isinstance(entry, dict) and "label" in entry:
                found[name] = (str(entry["label"]), str(entry.get("definition", "")))
    return found


def glossary(lang: str) -> str:
    """Return the glossary of one language: the terms, then the field dictionary, both languages side by side."""
    words, other = _WORDS[lang], "zh" if lang == "en" else "en"
    terms = tomllib.loads((ROOT / "docs" / "terms.toml").read_text(encoding="utf-8"))["terms"]
    parts = [
        f"# {words['title']}\n",
        words["about"],
        f"\n## {words['terms']}\n",
        words["head"],
        "|---|---|---|",
    ]
    for one in terms:
        meaning = one[f"meaning_{lang}"] + (
            " " + words["not"].format(words=one["not"]) if one.get("not") else ""
        )
        parts.append(f"| **{one[lang]}** | {one[other]} | {meaning} |")
    mine, theirs = fields(lang), fields(other)
    parts += [f"\n## {words['fields']}\n", words["field_head"], "|---|---|---|---|"]
    for name in sorted(mine, key=lambda one: (mine[one][0].casefold(), one)):
        label, definition = mine[name]
        parts.append(
            f"| {_plain(label)} | {_plain(theirs.get(name, ('', ''))[0])} | {_plain(definition)} | `{name}` |"
        )
    return "\n".join(parts) + "\n"


def _plain(text: str) -> str:
    """Return a text of the dictionary as a table cell; marks for the unit of time read as days."""
    return re.sub(r"<<(\w+)>>", r"\1", text).replace("|", "\\|").replace("<", "\\<").replace("*", "\\*")
