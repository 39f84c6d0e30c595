"""Search in Chinese without a dictionary of words: every two neighbouring characters are a term."""

from __future__ import annotations

import itertools
import re

from sphinx.search import SearchLanguage

_PIECES = re.compile(r"[a-zA-Z0-9_]+|[\u3400-\u9fff]+")


class Bigrams(SearchLanguage):
    """Chinese as pairs of characters, in the index and in what is typed."""

    lang = "zh"
    language_name = "Chinese"
    js_splitter_code = r"""
    function splitQuery(query) {
      const terms = [];
      for (const piece of query.match(/[a-zA-Z0-9_]+|[\u3400-\u9fff]+/g) || []) {
        if (/^[a-zA-Z0-9_]/.test(piece) || piece.length < 3) { terms.push(piece); continue; }
        for (let i = 0; i + 1 < piece.length; i++) terms.push(piece.slice(i, i + 2));
      }
      return terms;
    }
    """

    def split(self, input: str) -> list[str]:
        """Return the terms of a text: words in Latin letters, pairs of Chinese characters."""
        terms: list[str] = []
        for piece in _PIECES.findall(input):
            terms += (
                [piece]
                if piece[0].isascii() or len(piece) < 3
                else [a + b for a, b in itertools.pairwise(piece)]
            )
        return terms

    def word_filter(self, word: str) -> bool:
        """Keep single characters of Chinese, not single letters."""
        return len(word) > 1 or not word.isascii()

    def stem(self, word: str) -> str:
        """Return the word as it is looked up."""
        return word.lower()
