"""One page, one truth: figures of one page agree with each other, and sums in sentences add up."""

import html
import re

import pytest

NUMBER = r"\d[\d,]*"


def text_of(page: str) -> str:
    """What a reader sees of a page, pictures included, without marks."""
    page = re.sub(r"<(style|script)\b.*?</\1>", "", page, flags=re.DOTALL)
    page = re.sub(r'<span class="f">(.*?)</span>', r"\1", page)
    page = re.sub(r"</(p|h\d|tr|li|div|text|dd|dt)>", "\n", page)
    return html.unescape(re.sub(r"<[^>]+>", " ", page)).replace("\xa0", " ").replace("\u202f", " ")


@pytest.fixture(params=["en", "zh"])
def pages(request, sample_pages):
    out = sample_pages(request.param)
    found = {path.stem: text_of(path.read_text(encoding="utf-8")) for path in out.glob("DACH*.html")}
    assert len(found) == 4
    return found


def whole(text: str) -> int:
    return int(text.replace(",", ""))


def test_outcomes_in_a_sentence_add_up_to_the_deals(pages):
    """ "697 deals created …: 181 won, 390 lost, 89 open and 37 closed without a decision" leaves nobody out."""
    forms = (
        rf"({NUMBER}) deals created [^:]*: ({NUMBER}) won, ({NUMBER}) lost, ({NUMBER}) open "
        rf"and ({NUMBER}) closed without",
        rf"新建商机 ({NUMBER}) 单[^:：]*[:：]赢单 ({NUMBER}) 单、输单 ({NUMBER}) 单、"
        rf"在途 ({NUMBER}) 单、[^0-9]*({NUMBER}) 单",
    )
    sums = [match for page in pages.values() for form in forms for match in re.findall(form, page)]
    assert sums
    for n, *parts in sums:
        assert whole(n) == sum(map(whole, parts))


def test_shares_at_one_age_add_up_to_all(pages):
    """Won, lost and open by one day are all there is: they add up to 100 % as they are printed."""
    forms = (
        r"([\d.]+) ?% \([\d.]+–[\d.]+\) are won within \d+ days\. By then ([\d.]+) ?% are lost and ([\d.]+) ?%",
        r"天内赢单 ([\d.]+)%（[^）]*）；到时输单 ([\d.]+)%，在途 ([\d.]+)%",
    )
    found = [match for page in pages.values() for form in forms for match in re.findall(form, page)]
    assert found
    for parts in found:
        assert sum(map(float, parts)) == pytest.approx(100, abs=0.15)


def test_the_head_says_what_the_sections_find(pages):
    """Each figure of the head stands below it again: in the finding, to the digit, with its interval."""
    (first,) = (page for name, page in pages.items() if "@" not in name)
    rate, lower, upper = re.search(r"([\d.]+) ?%\s+90 ?% [^\d]*([\d.]+)–([\d.]+) ?%", first).groups()
    assert re.search(rf"{re.escape(rate)} ?% ?[(（]{re.escape(lower)}–{re.escape(upper)}", first)
    (times,) = (page for name, page in pages.items() if "02_" in name)
    median, lower, upper = re.search(r"(\d+) (?:days|天)\s+90 ?% [^\d]*(\d+)–(\d+)", times).groups()
    assert re.search(rf"\b{median} ?[(（]{lower}–{upper}", times)
    (target,) = (page for name, page in pages.items() if "03_" in name)
    chances = re.findall(r"(?:probability of reaching [^%]* is|达成 166 万欧元的概率为) ([\d.]+) ?%", target)
    assert chances
    head = re.search(r"([\d.]+) ?% chance to reach|概率为 ([\d.]+)%", target)
    assert {next(filter(None, head.groups()))} == set(chances[:1])


def test_a_rate_of_closed_deals_has_one_denominator(pages):
    """181 won and 390 lost are 571 closed deals wherever a share of closed deals is given."""
    first = next(page for name, page in pages.items() if "@" not in name)
    assert re.search(r"31\.7 ?%", first)
    assert not re.search(r"29\.8 ?%", first)
