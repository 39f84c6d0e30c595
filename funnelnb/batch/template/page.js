(function () {
  "use strict";
  var doc = document, body = doc.body, words = body.dataset;
  function all(selector, root) { return [].slice.call((root || doc).querySelectorAll(selector)); }
  function make(name, text, type) {
    var one = doc.createElement(name);
    if (type) { one.className = type; }
    if (text) { one.textContent = text; }
    if (name === "button") { one.type = "button"; }
    return one;
  }

  /* Folds: all open for print, and the one that a link leads to. */
  var opened = [];
  window.addEventListener("beforeprint", function () {
    opened = all("details:not([open])");
    opened.forEach(function (one) { one.open = true; });
  });
  window.addEventListener("afterprint", function () { opened.forEach(function (one) { one.open = false; }); });
  function reveal() {
    var there = location.hash && doc.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (there && there.tagName === "DETAILS") { there.open = true; there.scrollIntoView(); }
  }
  window.addEventListener("hashchange", reveal);
  reveal();

  /* Tooltips: what a mark of a picture stands for. Nothing is known by hovering only. */
  var tip = make("div");
  tip.id = "tip";
  tip.setAttribute("aria-hidden", "true");
  body.appendChild(tip);
  function nearest(svg, x) {
    var best = null, least = 1e9;
    all(".hover", svg).forEach(function (one) {
      var box = one.getBoundingClientRect(), far = Math.abs(box.left + box.width / 2 - x);
      if (far < least) { least = far; best = one; }
    });
    return least < 60 ? best : null;
  }
  function show(event) {
    var target = event.target, mark = target.closest && target.closest("[data-t]");
    var svg = target.closest && target.closest("figure svg");
    if (!mark && svg) { mark = nearest(svg, event.clientX); }
    if (!mark) { tip.style.display = "none"; return; }
    tip.textContent = mark.getAttribute("data-t");
    tip.style.display = "block";
    var w = tip.offsetWidth, h = tip.offsetHeight, below = event.clientY + h + 22 > innerHeight;
    tip.style.left = Math.max(4, Math.min(innerWidth - w - 8, event.clientX + 14)) + "px";
    tip.style.top = (below ? event.clientY - h - 10 : event.clientY + 16) + "px";
  }
  doc.addEventListener("pointermove", show);
  doc.addEventListener("pointerdown", show);
  doc.addEventListener("keydown", function (event) { if (event.key === "Escape") { tip.style.display = "none"; } });
  doc.addEventListener("scroll", function () { tip.style.display = "none"; }, true);

  /* Tables: sorted by a click on a head, filtered, copied, kept as CSV. */
  function value(cell) {
    var given = cell.getAttribute("data-v");
    if (given !== null) { return given === "" ? null : isNaN(given) ? given : +given; }
    var text = cell.textContent.trim();
    if (text === "" || text === "\u2013") { return null; }
    if (!cell.classList.contains("num")) { return text; }
    var bare = text.replace(/[,\s\u00a0\u202f%]/g, "").replace("\u2212", "-");
    var number = parseFloat(bare.replace(/^[^\d.+-]*/, ""));
    return isNaN(number) ? text : number;
  }
  function compare(a, b, down) {
    if (a === null || b === null) { return (a === null) - (b === null); }
    var order = typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b), doc.documentElement.lang, { numeric: true });
    return down ? -order : order;
  }
  /* What is put in order: the rows of the one body, or bodies of one row each; nothing where rows belong together. */
  function pieces(table) {
    var parts = [].slice.call(table.tBodies), single = parts.every(function (part) { return part.rows.length === 1; });
    return parts.length === 1 ? [].slice.call(parts[0].rows) : single ? parts : [];
  }
  function sort(table, place, down) {
    var ordered = pieces(table).map(function (piece, rank) {
      var cell = (piece.rows ? piece.rows[0] : piece).cells[place];
      return [value(cell), rank, piece];
    });
    ordered.sort(function (a, b) { return compare(a[0], b[0], down) || a[1] - b[1]; });
    ordered.forEach(function (one) { one[2].parentNode.appendChild(one[2]); });
    var foot = table.tFoot;
    if (foot) { table.appendChild(foot); }
    all("thead th", table).forEach(function (head, k) {
      if (k === place) { head.setAttribute("aria-sort", down ? "descending" : "ascending"); } else { head.removeAttribute("aria-sort"); }
    });
  }
  function sortable(table) {
    all("thead th", table).forEach(function (head, place) {
      if (head.classList.contains("c-pages")) { return; }
      var button = make("button", "", "sort"), axis = head.querySelector(".axis");
      if (!head.firstChild) { return; }
      while (head.firstChild && head.firstChild !== axis) { button.appendChild(head.firstChild); }
      head.insertBefore(button, axis);
      var down = head.hasAttribute("data-down") || (head.classList.contains("num") && place > 0);
      button.addEventListener("click", function () {
        var now = head.getAttribute("aria-sort");
        sort(table, place, now ? now === "ascending" : down);
      });
    });
  }
  function safe(text) { return /^[\s]*[=+\-@\t\r\uff1d\uff0b\uff0d\uff20|%]/.test(text) && isNaN(text.replace(/[,\s%]/g, "")) ? "'" + text : text; }
  function lines(table) {
    return all("tr", table).filter(function (row) { return !row.hidden; }).map(function (row) {
      return [].slice.call(row.cells).map(function (cell) {
        var copy = cell.cloneNode(true);
        all("svg, .axis", copy).forEach(function (one) { one.remove(); });
        all(".s, .v, .badge, .why, a + a", copy).forEach(function (one) { one.insertAdjacentText("beforebegin", " "); });
        return copy.textContent.replace(/[\s\u00a0]+/g, " ").trim();
      });
    });
  }
  function csv(table) {
    return "\ufeff" + lines(table).map(function (row) {
      return row.map(function (cell) { return '"' + safe(cell).replace(/"/g, '""') + '"'; }).join(",");
    }).join("\r\n") + "\r\n";
  }
  function save(table, name) {
    var link = make("a");
    link.href = URL.createObjectURL(new Blob([csv(table)], { type: "text/csv" }));
    link.download = name;
    link.click();
    setTimeout(function () { URL.revokeObjectURL(link.href); }, 1000);
  }
  function copy(table, button) {
    var text = lines(table).map(function (row) { return row.map(safe).join("\t"); }).join("\n");
    function done() { button.textContent = words.copied; setTimeout(function () { button.textContent = words.copy; }, 1500); }
    if (navigator.clipboard && isSecureContext) { navigator.clipboard.writeText(text).then(done, old); } else { old(); }
    function old() {
      var area = make("textarea");
      area.value = text;
      body.appendChild(area);
      area.select();
      try { doc.execCommand("copy"); done(); } finally { area.remove(); button.focus(); }
    }
  }
  function filter(table, wanted) {
    var n = 0, rows = all("tbody tr", table), text = wanted.trim().toLowerCase();
    rows.forEach(function (row) {
      var hit = row.textContent.toLowerCase().indexOf(text) >= 0;
      row.hidden = !hit;
      n += hit;
    });
    return [n, rows.length];
  }
  all(".output table, .picture table").forEach(function (table, k) {
    if (table.closest(".needs-no-tools") || !table.tHead) { return; }
    var rows = pieces(table).length;
    var tools = make("div", "", "grid-tools"), caption = table.caption ? table.caption.textContent : "table";
    if (rows > 1) { sortable(table); }
    if (rows > 8) {
      var field = make("input");
      field.type = "search";
      field.placeholder = words.filter;
      field.setAttribute("aria-label", words.filter + ": " + caption);
      field.addEventListener("input", function () { filter(table, field.value); });
      tools.appendChild(field);
    }
    [[words.copy, function (event) { copy(table, event.currentTarget); }],
      [words.csv, function () { save(table, caption.replace(/[^\w\u4e00-\u9fff]+/g, "-").slice(0, 60) + ".csv"); }]
    ].forEach(function (one) {
      var button = make("button", one[0], "btn");
      button.setAttribute("aria-label", one[0] + ": " + caption);
      button.addEventListener("click", one[1]);
      tools.appendChild(button);
    });
    var place = table.closest(".scroll") || table;
    place.parentNode.insertBefore(tools, place.nextSibling);
  });

  /* The list of reports. */
  all(".board").forEach(function (board) {
    var table = board.querySelector("table.regions"), tools = board.querySelector(".tools");
    if (!tools) { return; }
    tools.hidden = false;
    sortable(table);
    var choice = tools.querySelector("[data-sort]"), search = tools.querySelector("[data-search]");
    var found = tools.querySelector("output"), none = board.querySelector(".none");
    choice.addEventListener("change", function () {
      var place = +choice.value, head = all("thead th", table)[place];
      sort(table, place, head.hasAttribute("data-down"));
    });
    search.addEventListener("input", function () {
      var n = filter(table, search.value);
      found.textContent = search.value ? found.dataset.found.replace("{shown_n}", n[0]).replace("{all_n}", n[1]) : "";
      none.hidden = n[0] > 0;
    });
    var button = tools.querySelector("[data-csv]");
    button.addEventListener("click", function () { save(table, button.dataset.csv); });
  });
  doc.addEventListener("keydown", function (event) {
    var search = doc.querySelector("[data-search]");
    if (event.key === "/" && search && !/INPUT|SELECT|TEXTAREA/.test(doc.activeElement.tagName)) { event.preventDefault(); search.focus(); }
  });
  /* A wide part that scrolls can be reached by the keyboard. */
  all(".scroll, .reg, .wide-chart, pre").forEach(function (one) {
    if (one.scrollWidth > one.clientWidth + 1) { one.tabIndex = 0; } else if (!one.classList.contains("scroll")) { one.removeAttribute("tabindex"); }
  });
})();
