"""What do headers, stage words and outcome words usually mean? The lists are data: TOML files beside this one.

``lexicon.toml`` and ``stage_words.toml`` hold the common lists, each file of ``languages/`` those of one more language.

Names are compared without case, accents, spaces and punctuation. A header is also compared without the word for
the deal itself, because "Deal Stage", "Opportunity: Stage", "stage_name" and "property_stage" are one column.
"""

from __future__ import annotations

import functools
import re
import tomllib
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from funnelnb.data.parse.values import header_unit
from funnelnb.playbooks import library, load_playbook
from funnelnb.playbooks.model import fold

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_FOLDER = Path(__file__).parent

WHOLE, PATTERN = 0.9, 0.6
"""How much a header says that fits a word whole, or only a pattern."""

WON_RANK = 100
"""Place of the win among the usual places of stages (0 at the beginning)."""

NEARLY = 90.0
"""Usual place of a stage whose name holds a word for the win ("签约跟进")."""

_WRAPPERS = ("value", "values", "label", "text", "name")
"""Last parts of nested names that say only that it is the value."""

UNIT = re.compile(r"[（(\[【]([^（()）\[\]【】]{0,200}+)[)）\]】]")

_TRADITIONAL = (
    "機會階狀態額預計負責業務員銷單報價談訪潛戶稱編號類敗輸贏簽約進開關閉結創時間來產區連繫絡備註實際無丟處術標審驗證確認決測試發現"
    "線門隊組幣種總項級訂購賣買個後長電話複覆擱暫緩續終動說給應當對選擇領導經營勢場權願體與為從過還這讓難質資訊據廣滿議樣評調簡籤寫"
    "錄頁網佔匯儲戰蹤繳費殘廢棄傳達觸滿貨運專屬聯優階層險爭"
)
_SIMPLIFIED = (
    "机会阶状态额预计负责业务员销单报价谈访潜户称编号类败输赢签约进开关闭结创时间来产区连系络备注实际无丢处术标审验证确认决测试发现"
    "线门队组币种总项级订购卖买个后长电话复复搁暂缓续终动说给应当对选择领导经营势场权愿体与为从过还这让难质资讯据广满议样评调简签写"
    "录页网占汇储战踪缴费残废弃传达触满货运专属联优阶层险争"
)
_SIMPLE = str.maketrans(_TRADITIONAL, _SIMPLIFIED)
"""Characters of sales in traditional Chinese, read as the simplified ones that the lists hold."""

_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_SPLIT = re.compile(r"[^\w]+|_+")
_CUSTOM = re.compile(r"(__c|_c|__s|__pc)$", re.IGNORECASE)


@functools.cache
def _languages() -> tuple[Mapping[str, Any], ...]:
    files = sorted((_FOLDER / "languages").glob("*.toml"))
    return tuple(tomllib.loads(one.read_text(encoding="utf-8")) for one in files)


def _with_languages(file: str, parts: tuple[str, ...]) -> Mapping[str, Any]:
    """Return a list with the words of every language behind its own."""
    content: dict[str, Any] = tomllib.loads((_FOLDER / file).read_text(encoding="utf-8"))
    for language in _languages():
        for part in parts:
            for name, words in language.get(part, {}).items():
                own = content[part].setdefault(name, [])
                own += [one for one in words if one not in own]
    return content


@functools.cache
def _columns() -> Mapping[str, Any]:
    return _with_languages("lexicon.toml", ("entity", "words"))


@functools.cache
def _stages() -> Mapping[str, Any]:
    return _with_languages("stage_words.toml", ("outcomes", "stages", "pipelines"))


def plain(text: str) -> str:
    """Return a text in lower case, without accents, its words apart by one space.

    Examples
    --------
    >>> plain("dealStage_Name")
    'deal stage name'
    >>> plain("Étape – Clôturée")
    'etape cloturee'
    """
    spaced = _CAMEL.sub(" ", unicodedata.normalize("NFKC", str(text).replace("#", " no ")))
    bare = _without_accents(spaced.casefold()).translate(_SIMPLE)
    return " ".join(part for part in _SPLIT.split(bare) if part)


def key(text: str) -> str:
    """Return a text as names are compared: :func:`fold`, and without accents."""
    return fold(_without_accents(str(text))).translate(_SIMPLE)


def _without_accents(text: str) -> str:
    if text.isascii():
        return text
    return "".join(one for one in unicodedata.normalize("NFD", text) if not unicodedata.combining(one))


@functools.cache
def header_keys(name: str) -> tuple[str, ...]:
    """Under which spellings may a header be known? The whole first, then without unit, prefix and entity words.

    Examples
    --------
    >>> header_keys("Opportunity - Sales Stage (current)")[-1]
    'stage'
    >>> header_keys("property_dealstage")[-1]
    'dealstage'
    """
    name = name.translate(_SIMPLE)
    bare = _CUSTOM.sub("", header_unit(UNIT.sub(" ", name).strip() or name)[0])
    parts = [one.strip() for one in re.split(r"[:./]| - ", bare)]
    last = parts[-1] or bare
    found = [key(name.replace("#", " no ")), key(bare), key(last)]
    if len(parts) > 1 and last.casefold() in _WRAPPERS:  # "properties.amount.value" is the amount
        found.append(key(parts[-2]))
    words = plain(last).split()
    entity = _entity_words()
    rest = [word for word in words if word not in entity]
    for inside in (one.strip() for one in UNIT.findall(name)):  # "Custom field (Deal value)"
        found.append(key(inside))
        named = [word for word in plain(inside).split() if word not in entity]
        found += [key(" ".join(named))] if named else []
    if rest:
        found += [key(" ".join(_without_ends(words, entity))), key(" ".join(rest))]
    for prefix in (one.translate(_SIMPLE) for one in _columns()["entity"]["prefixes"]):
        if last.startswith(prefix) and len(last) > len(prefix):
            found.append(key(last[len(prefix) :]))
            break
    return tuple(dict.fromkeys(one for one in found if one))


def _without_ends(words: list[str], entity: frozenset[str]) -> list[str]:
    while len(words) > 1 and words[0] in entity:
        words = words[1:]
    while len(words) > 1 and words[-1] in entity:
        words = words[:-1]
    return words


@functools.cache
def _entity_words() -> frozenset[str]:
    return frozenset(plain(one) for one in _columns()["entity"]["words"])


@functools.cache
def _words(table: str) -> Mapping[str, Mapping[str, int]]:
    """Return column = folded word = its place in the list, for the headers of one table."""
    content = _columns()["words"]
    listed = content.get(table, {}) if table != "opportunities" else content
    return {
        column: {key(word): place for place, word in reversed(list(enumerate(words)))}
        for column, words in listed.items()
        if isinstance(words, list)
    }


@functools.cache
def _patterns() -> Mapping[str, tuple[re.Pattern[str], re.Pattern[str] | None]]:
    content = _columns()
    return {
        column: (re.compile(one), re.compile(content["not"][column]) if column in content["not"] else None)
        for column, one in content["patterns"].items()
    }


@functools.cache
def header_scores(name: str, table: str = "opportunities") -> Mapping[str, float]:
    """Which columns of the contract may this header mean, and how strongly does it say so (0 to 1)?

    Examples
    --------
    >>> max(header_scores("Deal - Stage"), key=header_scores("Deal - Stage").get)
    'stage'
    >>> "closed_at" in header_scores("Expected Close Date")
    False
    """
    found: dict[str, float] = {}
    keys = header_keys(name)
    for column, words in _words(table).items():
        for depth, one in enumerate(keys):
            if one in words:
                place = words[one]
                score = WHOLE - 0.03 * depth - 0.12 * place / max(len(words), 1)
                found[column] = max(found.get(column, 0.0), score)
    if table == "opportunities" and (not found or max(found.values()) < 0.5):
        text = plain(UNIT.sub(" ", name)) or plain(name)
        for column, (known, never) in _patterns().items():
            hit = known.search(text)
            if hit and not (never and never.search(text)):
                found[column] = PATTERN
    return found


@dataclass(frozen=True, slots=True)
class Sense:
    """What a stage or outcome word usually means.

    Attributes
    ----------
    meaning : str
        An outcome of the contract, ``"parked"`` (open, but at no stage), ``"unclear"`` (ended, nobody knows how),
        ``"stage"`` (a known working stage), or empty.
    rank : float or None
        Usual place of a stage, 0 to 100, above 100 after the win.
    sure : bool
        Whether the word can mean nothing else.
    """

    meaning: str = ""
    rank: float | None = None
    sure: bool = False


@functools.cache
def _outcome_words() -> Mapping[str, str]:
    found: dict[str, str] = {}
    for meaning, words in _stages()["outcomes"].items():
        for word in words:
            found.setdefault(key(word), meaning)
    return found


@functools.cache
def _outcome_patterns() -> tuple[tuple[str, re.Pattern[str]], ...]:
    found = [(meaning, re.compile(one.translate(_SIMPLE))) for meaning, one in _stages()["patterns"].items()]
    for language in _languages():
        patterns = language.get("patterns", {}).items()
        found += [(meaning, re.compile(one.translate(_SIMPLE))) for meaning, one in patterns]
    return tuple(found)


@functools.cache
def _ranks() -> Mapping[str, float]:
    return {key(word): float(rank) for rank, words in _stages()["stages"].items() for word in words}


_NUMBERED = re.compile(
    r"^\s*(?:stage|phase|step|level|etapa|fase|stufe|phase|этап|s|p|l)?\s*[#(（]?\s*(\d{1,2})\s*[)）.:：、/–—-]*\s*(?=\D|$)(?!\s*%)",
    re.IGNORECASE,
)
_CHINESE_NUMBER = re.compile(r"^\s*(?:第)?([一二三四五六七八九十])(?:阶段|[、.．:：)）])\s*")
_PERCENT = re.compile(r"(\d{1,3})\s*[%％]")


def number_of(word: str) -> float | None:
    """Which number does a stage name carry in front ("2 - Demo", "S3 Proposal", "第四阶段")?

    Examples
    --------
    >>> number_of("3. Proposal"), number_of("Stage 2 - Demo"), number_of("50% likely"), number_of("Demo")
    (3.0, 2.0, None, None)
    """
    chinese = _CHINESE_NUMBER.match(word)
    if chinese:
        return float("一二三四五六七八九十".index(chinese.group(1)) + 1)
    found = _NUMBERED.match(word)
    return float(found.group(1)) if found else None


def percent_of(word: str) -> float | None:
    """Which percentage does a stage name carry ("Proposal (50%)")?"""
    found = _PERCENT.search(word)
    return float(found.group(1)) if found and float(found.group(1)) <= 100 else None


def _variants(word: str) -> list[str]:
    """Return a word whole, without number in front, brackets and percentage, and without the word for the deal."""
    text = unicodedata.normalize("NFKC", word)
    bare = _PERCENT.sub("", _CHINESE_NUMBER.sub("", _NUMBERED.sub("", text)))
    without = UNIT.sub(" ", bare)
    inside = " ".join(one.strip() for one in UNIT.findall(bare))
    words, entity = plain(without).split(), _entity_words()
    rest = _without_ends(words, entity) if any(one in entity for one in words) else []
    found = [key(text), key(bare), key(without), key(inside), key(plain(without)), key(" ".join(rest))]
    return list(dict.fromkeys(one for one in found if one))


_ENDING = re.compile(r"(?:[oaei]s|[oaeis])$")
_LATIN = re.compile(r"[a-z]{7,}")


@functools.cache
def _negation() -> tuple[frozenset[str], re.Pattern[str]]:
    negation = _stages()["negation"]
    return frozenset(negation["words"]), re.compile(negation["signs"])


def negated(word: str) -> bool:
    """Whether a word says that something is not so.

    Examples
    --------
    >>> negated("Não fechado"), negated("未成交"), negated("Fechado")
    (True, True, False)
    """
    words, signs = _negation()
    return bool(words & set(plain(word).split()) or signs.search(word))


def _root(name: str) -> str:
    """Return a folded Latin word without the ending of its gender and number ("aceptada", "aceptados"); else nothing.

    Examples
    --------
    >>> _root("aceptada"), _root("rifiutate"), _root("won")
    ('aceptad', 'rifiutat', '')
    """
    return _ENDING.sub("", name) if _LATIN.fullmatch(name) else ""


@functools.cache
def _outcome_roots() -> Mapping[str, str]:
    """Return root = meaning, of the roots that have one meaning only."""
    return _by_root(_outcome_words())


@functools.cache
def _rank_roots() -> Mapping[str, float]:
    return _by_root(_ranks())


def _by_root(words: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, set[Any]] = {}
    for name, meaning in words.items():
        root = _root(name)
        if root:
            found.setdefault(root, set()).add(meaning)
    return {root: next(iter(meanings)) for root, meanings in found.items() if len(meanings) == 1}


@functools.cache
def _stems() -> tuple[tuple[str, float], ...]:
    return tuple((plain(stem), float(rank)) for rank, stems in _stages()["stems"].items() for stem in stems)


def by_beginning(word: str) -> bool:
    """Whether nothing but the beginning of a word tells that it is a stage: too little to call a date by it.

    Examples
    --------
    >>> by_beginning("Anfrage"), by_beginning("Demo")
    (True, False)
    """
    return sense_of(word).meaning == "stage" and not listed(word) and _token_rank(plain(word)) is None


def listed(word: str) -> bool:
    """Whether a name stands in the lists of stages as a whole, and not only a word in it.

    Examples
    --------
    >>> listed("1. New Lead"), listed("Lead Acme")
    (True, False)
    """
    return any(one in _ranks() or _root(one) in _rank_roots() for one in _variants(word))


def _stem_rank(text: str) -> float | None:
    """Return the usual place of a name by the beginnings of its words: of several the furthest."""
    found = [
        rank
        for word in text.split()
        for stem, rank in _stems()
        if word.startswith(stem) or (len(stem) > 5 and stem in word)
    ]
    return max(found, default=None)


_SURE_ENDS = ("won", "lost", "lost_competitor", "lost_no_decision")
_NOT_YET = re.compile(r"^(?:未|尚未|没有?|不|not |nicht |non |no |não |nao |не )\s*", re.IGNORECASE)
_NEGATIONS = frozenset(
    (
        "not",
        "no",
        "non",
        "nao",
        "nicht",
        "не",
        "un",
        "kein",
        "niet",
        "geen",
        "inte",
        "ikke",
        "ei",
        "nie",
        "nem",
        "nu",
        "neni",
    )
)


@functools.cache
def sense_of(word: str) -> Sense:  # noqa: PLR0911 - one return per kind of evidence, the surest first
    """What does a word in a stage or outcome column usually mean?

    Examples
    --------
    >>> sense_of("Closed Won"), sense_of("7 - Geschlossen / verloren").meaning, sense_of("Closed").meaning
    (Sense(meaning='won', rank=None, sure=True), 'lost', 'unclear')
    >>> sense_of("Proposal/Price Quote").rank
    58.0
    """
    variants = _variants(word)
    text, word = plain(word), word.translate(_SIMPLE)
    first, _, rest = text.partition(" ")
    if first in _NEGATIONS and rest and sense_of(rest).meaning == "won":
        return Sense("lost", None, sure=True)
    if rest and sense_of(first).meaning == "unclear" and (end := sense_of(rest)).meaning in _SURE_ENDS:
        return Sense(end.meaning, None, sure=True)  # "Closed - sold"
    if (bare := _NOT_YET.sub("", word)) != word and sense_of(bare).meaning == "unclear":
        return Sense("open", None, sure=True)  # 未关闭, "not closed"
    if len(first) == 1 and first.isalpha() and rest and not first.isdigit():
        variants = [*variants, key(rest)]  # "A_Denied", "O_Accepted"
    pattern = next(
        (meaning for meaning, one in _outcome_patterns() if one.search(text) or one.search(word)), ""
    )
    rank = next((_ranks()[one] for one in variants if one in _ranks()), None)
    known = next((_outcome_words()[one] for one in variants if one in _outcome_words()), "")
    if not known and rank is None:
        roots = [_root(one) for one in variants]
        known = next((_outcome_roots()[one] for one in roots if one in _outcome_roots()), "")
        rank = None if known else next((_rank_roots()[one] for one in roots if one in _rank_roots()), None)
    if known and known not in ("open", "parked", "unclear"):
        return Sense(known, rank, sure=bool(pattern))
    if pattern and (not known or known == "unclear"):
        return Sense(pattern, rank, sure=True)
    if rank is not None:
        return Sense("stage", rank)
    if known:
        return Sense(known, None, sure=known == "open")
    nearly = _token_rank(text)
    nearly = _stem_rank(text) if nearly is None else nearly
    return Sense("stage", nearly) if nearly is not None else Sense()


def _token_rank(text: str) -> float | None:
    """Return the usual place of a longer name by the known words in it: the longest, then the latest."""
    words = text.split()
    ranks = _ranks()
    found = [
        (end - start, ranks[key(" ".join(words[start:end]))])
        for start in range(len(words))
        for end in range(start + 1, min(len(words), start + 3) + 1)
        if key(" ".join(words[start:end])) in ranks and len("".join(words[start:end])) > 2
    ]
    if found:
        return max(found)[1]
    if len(words) == 1 and any(ord(one) > 0x2E80 for one in text):
        inside = [rank for name, rank in ranks.items() if len(name) > 1 and name in key(text)]
        inside += [
            NEARLY
            for name, one in _outcome_words().items()
            if one == "won" and len(name) > 1 and name in key(text)
        ]
        return max(inside) if inside else None
    return None


@functools.cache
def _codes() -> tuple[tuple[frozenset[str], Mapping[str, str]], ...]:
    content = tomllib.loads((_FOLDER / "codes.toml").read_text(encoding="utf-8"))
    return tuple(
        (
            frozenset(key(word) for word in one["headers"]),
            {code.casefold(): what for code, what in one["values"].items()},
        )
        for one in content["code"]
    )


def coded_outcomes(name: str, cells: Iterable[str]) -> Mapping[str, str]:
    """Which outcomes do the codes of a column mean? Empty unless every one of them is known and one means won.

    Examples
    --------
    >>> coded_outcomes("statecode", ["0", "1", "2"])
    {'0': 'open', '1': 'won', '2': 'lost'}
    >>> coded_outcomes("Grade", ["A", "B"])
    {}
    """
    found, names = [str(one) for one in cells], set(header_keys(name))
    for headers, values in _codes():
        meant = {one: values[one.casefold()] for one in found if one.casefold() in values}
        if headers & names and len(meant) == len(found) and "won" in meant.values():
            return meant
    return {}


@functools.cache
def known_pipelines() -> tuple[Mapping[str, int], ...]:
    """Return the stages that systems and the built-in stage models come with, each as folded word = place."""
    systems = [
        {key(word): place for place, word in enumerate(one)} for one in _stages()["pipelines"].values()
    ]
    return (*systems, *built_in_models().values())


@functools.cache
def built_in_models() -> Mapping[str, Mapping[str, int]]:
    """Return the stages of every built-in model: id = folded word = place; labels, and aliases in Chinese."""
    found: dict[str, Mapping[str, int]] = {}
    for name in library():
        model = load_playbook(name)
        found[model.id] = {
            key(word): place
            for place, stage in reversed(list(enumerate(model.stages)))
            for word in (stage.label.en, stage.label.zh, *(one for one in stage.aliases if _HAN.search(one)))
        }
    return found


_HAN = re.compile(r"[\u4e00-\u9fff]")


def model_like(stages: Iterable[str]) -> str:
    """Which built-in stage model has these stages? Empty if none has nearly all of them, and they most of its own.

    Examples
    --------
    >>> model_like(["候选目标", "潜在客户", "接近客户", "重点客户"])
    'pyramid'
    >>> model_like(["Qualification", "Proposal"])
    ''
    """
    words = {key(one) for one in stages}
    best, best_share = "", 0.0
    for name, known in built_in_models().items():
        places = {known[one] for one in words if one in known}
        share = len(places) / max(len(words), 1)
        whole = len(set(known.values()))
        if len(places) >= max(3, 0.6 * (whole - 1)) and share >= 0.8 and share > best_share:
            best, best_share = name, share
    return best
