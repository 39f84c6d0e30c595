/* How many words of prose are visible before anything is unfolded: pictures and tables left out. */
(lang) => {
  const cut = new Intl.Segmenter(lang, { granularity: "word" });
  const walker = document.createTreeWalker(document.querySelector(".wrap"), NodeFilter.SHOW_TEXT);
  let text = "";
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const parent = node.parentElement;
    if (parent.closest("svg, table, script, style") || !parent.checkVisibility()) continue;
    const range = document.createRange();
    range.selectNodeContents(node);
    if (range.getClientRects().length) text += node.data + " ";
  }
  return [...cut.segment(text)].filter((one) => one.isWordLike).length;
}
