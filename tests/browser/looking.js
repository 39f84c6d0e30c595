/* What a reader would see wrong on a page, measured from its layout. Called with the smallest size of words in pixels. */
(least) => {
  const wrong = [];
  const shown = (one) => {
    if (one.closest("#tip, .skip, defs, pattern") || !one.checkVisibility()) return false; /* also what is folded */
    for (let up = one; up && up !== document.documentElement; up = up.parentElement) {
      const style = getComputedStyle(up);
      if (style.display === "none" || style.visibility === "hidden" || +style.opacity === 0) return false;
      if (style.clipPath.startsWith("inset(50%")) return false;
    }
    return true;
  };
  const texts = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const parent = node.parentElement;
    if (!node.data.trim() || /^(SCRIPT|STYLE|OPTION|TITLE)$/i.test(parent.tagName)) continue;
    const range = document.createRange();
    range.selectNodeContents(node);
    for (const box of range.getClientRects()) {
      if (box.width < 1 || box.height < 1) continue;
      if (!shown(parent)) break;
      texts.push({ box, parent, svg: parent.ownerSVGElement, data: node.data.trim().slice(0, 40) });
    }
  }
  /* Nothing runs out of the page, or is cut off where it cannot be scrolled to. */
  const wide = document.documentElement.scrollWidth;
  if (wide > innerWidth) wrong.push(`the page is ${wide} px wide on ${innerWidth}`);
  for (const { box, parent, svg, data } of texts) {
    let edge = null;
    for (let up = svg ? svg.parentElement : parent; up; up = up.parentElement) {
      const style = getComputedStyle(up);
      if (style.webkitLineClamp !== "none") { edge = null; break; }
      if (/auto|scroll/.test(style.overflowX)) break;
      if (/hidden|clip/.test(style.overflowX)) { edge = up.getBoundingClientRect(); break; }
    }
    if (edge && (box.right > edge.right + 2 || box.left < edge.left - 2)) wrong.push(`cut off: ${data}`);
    if (svg) {
      const outer = (svg.closest("figure") && svg.closest("figure").querySelector("svg") && parent.closest("figure svg[role=img]")) || svg;
      const frame = outer.getBoundingClientRect();
      if (getComputedStyle(outer).overflow !== "visible" && (box.right > frame.right + 3 || box.left < frame.left - 3)) {
        wrong.push(`runs out of its picture: ${data}`);
      }
      const size = parseFloat(getComputedStyle(parent).fontSize) * (parent.getScreenCTM() ? Math.hypot(parent.getScreenCTM().a, parent.getScreenCTM().b) : 1);
      if (size < least) wrong.push(`${size.toFixed(1)} px: ${data}`);
    }
  }
  /* No word stands on another. */
  texts.sort((a, b) => a.box.top - b.box.top);
  for (let i = 0; i < texts.length; i++) {
    for (let k = i + 1; k < texts.length && texts[k].box.top < texts[i].box.bottom; k++) {
      const a = texts[i], b = texts[k];
      if (a.parent === b.parent || a.data === b.data) continue; /* a word and its halo */
      const across = Math.min(a.box.right, b.box.right) - Math.max(a.box.left, b.box.left);
      const down = Math.min(a.box.bottom, b.box.bottom) - Math.max(a.box.top, b.box.top);
      if (across > 4 && down > 0.45 * Math.min(a.box.height, b.box.height)) {
        const angle = (one) => { const m = one.parent.getScreenCTM && one.parent.getScreenCTM(); return m ? Math.round(Math.atan2(m.b, m.a) * 57) % 90 : 0; };
        if (angle(a) || angle(b)) continue; /* boxes of slanted words touch where the words do not */
        wrong.push(`on each other: ${a.data} / ${b.data}`);
      }
    }
  }
  return [...new Set(wrong)];
}
