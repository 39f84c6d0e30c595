"""One file per chart: `data(result)` gives the rows that are drawn, `draw(result, lang)` draws them."""
