"""Fill the made parts of the trainer's guide: lessons, answers, misconceptions, the game's figures, stage models.

``python -m tools.guide write`` writes ``docs/trainers-guide.md`` and that of ``docs/zh`` between their markers;
``check`` says whether they are as the course is. What stands outside the markers is written by hand.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from funnelnb.playbooks import load_playbook
from funnelnb.teach import course
from funnelnb.teach.exercises import lessons
from funnelnb.teach.lesson import Question, judge, letter, question, texts
from funnelnb.teach.proofs import figures

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).resolve().parents[1]
FILES = {"en": ROOT / "docs" / "trainers-guide.md", "zh": ROOT / "docs" / "zh" / "trainers-guide.md"}
SEED = 1
_PART = re.compile(r"(<!-- made: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)
WORDS: dict[str, dict[str, Any]] = {
    "en": {
        "lessons": "| lesson | minutes | of these exercises | exercises |", "box": "What people get wrong",
        "policies": "| rule | money a year, mean of {n} floors | less than knowing everything (± standard error) |",
        "rules": {
            "near_best": "knowing everything (nobody can)", "value_first": "worth of an hour",
            "largest_first": "largest first", "newest_first": "newest first",
        },
        "margin": (
            "Working where an hour is worth most beats largest-first by {margin} ± {se} a year ({share}), and on "
            "{better} of the {n} floors."
        ),
        "stages": "Stages of `{id}`: {stages}.",
    },
    "zh": {
        "lessons": "| 课 | 分钟 | 其中练习 | 题数 |", "box": "常见的误解",
        "policies": "| 做法 | 每年赢单金额，{n} 个现场平均 | 比事事都知道少多少（± 标准误） |",
        "rules": {
            "near_best": "事事都知道（没人做得到）", "value_first": "按每小时的价值",
            "largest_first": "先做大单", "newest_first": "先做新单",
        },
        "margin": (
            "把每个小时用在最值得的地方，比先做大单每年多 {margin} ± {se}（{share}），{n} 个现场里有 {better} 更好。"
        ),
        "stages": "`{id}` 的阶段：{stages}。",
    },
}  # fmt: skip
VARIATIONS = ("key_account", "telesales", "ecommerce", "premium_car", "fish_tank")


def lesson_table(lang: str) -> str:
    """Return what each lesson takes."""
    lines = [WORDS[lang]["lessons"], "|---|---|---|---|"]
    for number, names in lessons().items():
        said = texts(lang)["lesson"][str(number)]
        exercises = said["minutes"] - sum(course.MINUTES.values())
        lines.append(f"| {number} {said['title']} | {said['minutes']} | {exercises} | {len(names)} |")
    return "\n".join(lines)


def answers(lang: str) -> str:
    """Return the right answers of one seed with their solutions, and what each known wrong answer is told."""
    lines: list[str] = []
    for number, names in lessons().items():
        lines += [f"### {number} {texts(lang)['lesson'][str(number)]['title']}", ""]
        lines += [
            f"**{WORDS[lang]['box']}**{texts(lang)['course']['colon']}{course.wrong_box(number, lang)}",
            "",
        ]
        for name in names:
            asked = question(name, SEED, lang)
            lines.append(f"- **{name}** {asked.text}")
            lines += [f"  - {one}" for one in _choices(asked)]
            lines.append(f"  - ✓ `{asked.right_answer()}` {asked.solution}")
            lines += [
                f"  - ✗ `{_shown(asked, wrong)}` {_told(asked, wrong)}"
                for wrong in asked.variant.wrong.values()
            ]
        lines.append("")
    return "\n".join(lines).rstrip()


def _choices(asked: Question) -> list[str]:
    return [f"{letter(k)} {words}" for k, words in enumerate(asked.choices)]


def _shown(asked: Question, wrong: object) -> str:
    """Return a wrong answer as a learner would write it."""
    if asked.variant.formula is not None:
        return str(wrong)
    if isinstance(wrong, str):
        return letter(asked.variant.choices.index(wrong))
    return "; ".join(f"{one:.4g}" for one in (wrong if isinstance(wrong, tuple) else (wrong,)))


def _told(asked: Question, wrong: object) -> str:
    return judge(asked, wrong).text.removeprefix(texts(asked.lang)["course"]["not_yet"]).strip()


def policies(lang: str) -> str:
    """Return what the rules bring on the practice floors."""
    found, words = figures()["policies"], WORDS[lang]
    n = f"{found['floors_n']:,}"
    lines = [words["policies"].format(n=n), "|---|---|---|"]
    for name, label in words["rules"].items():
        behind = found["behind"].get(name)
        less = "" if behind is None else f"{behind:,} ± {found['behind_se'][name]:,}"
        lines.append(f"| {label} | {found[name]:,} | {less} |")
    margin = words["margin"].format(
        margin=f"{found['margin']:,}", se=f"{found['margin_se']:,}", share=f"{found['margin_share']:.0%}",
        better=f"{found['better_floors_share']:.1%}", n=n,
    )  # fmt: skip
    return "\n".join([*lines, "", margin])


def stages(name: str) -> Callable[[str], str]:
    """Return what tells the stages of a stage model."""

    def told(lang: str) -> str:
        path = " → ".join(one.label[lang] for one in load_playbook(name).stages)
        return WORDS[lang]["stages"].format(id=name, stages=path)

    return told


PARTS: dict[str, Callable[[str], str]] = {
    "lessons": lesson_table, "answers": answers, "policies": policies, **{one: stages(one) for one in VARIATIONS},
}  # fmt: skip


def filled(text: str, lang: str) -> str:
    """Return a guide with its made parts as the course is now."""
    return _PART.sub(lambda found: f"{found[1]}\n{PARTS[found[2]](lang)}\n\n{found[3]}", text)


def main(what: str = "check") -> int:
    """Write the guides, or check them."""
    old = {lang: path.read_text(encoding="utf-8") for lang, path in FILES.items()}
    stale = [lang for lang, text in old.items() if filled(text, lang) != text]
    for lang in stale:
        if what == "write":
            FILES[lang].write_text(filled(old[lang], lang), encoding="utf-8")
        print(f"{FILES[lang].relative_to(ROOT)}: {'written' if what == 'write' else 'not as the course is'}")
    return int(bool(stale) and what != "write")


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
