/* A count or a bar opens the deals behind it. */
(function () {
  "use strict";
  var doc = document, box = doc.getElementById("deals"), held = doc.getElementById("deals-data"), data = null, from = null;
  if (!box || !held || !box.showModal) { return; }
  function cell(row, text, num) {
    var one = doc.createElement("td");
    one.textContent = text;
    if (num) { one.className = "num"; }
    row.appendChild(one);
    return one;
  }
  function fill(list) {
    var table = box.querySelector("table"), head = table.tHead, body = table.tBodies[0];
    head.textContent = "";
    body.textContent = "";
    var top = head.insertRow();
    data.heads.forEach(function (name, k) {
      var one = doc.createElement("th");
      one.scope = "col";
      one.textContent = name;
      if (k > 2) { one.className = "num"; }
      top.appendChild(one);
    });
    list[2].forEach(function (place) {
      var deal = data.deals[place], row = body.insertRow(), who = doc.createElement("th");
      who.scope = "row";
      if (/^https?:/.test(deal[6])) {
        var link = doc.createElement("a");
        link.href = deal[6];
        link.rel = "noreferrer noopener";
        link.target = "_blank";
        link.textContent = deal[0];
        who.appendChild(link);
      } else { who.textContent = deal[0]; }
      if (deal[1]) {
        var small = doc.createElement("small");
        small.textContent = deal[1];
        who.appendChild(small);
      }
      row.appendChild(who);
      cell(row, deal[2]);
      cell(row, deal[3]);
      cell(row, deal[4], true).setAttribute("data-unit", data.unit);
      cell(row, deal[5], true);
    });
    doc.getElementById("deals-title").textContent = list[0];
    box.querySelector("[data-note]").textContent = list[1];
  }
  function open(name) {
    data = data || JSON.parse(held.textContent);
    if (!Object.prototype.hasOwnProperty.call(data.lists, name)) { return false; }
    fill(data.lists[name]);
    if (!box.open) { box.showModal(); }
    box.querySelector(".scroll").scrollTop = 0;
    return true;
  }
  doc.addEventListener("click", function (event) {
    if (event.target === box || (event.target.closest && event.target.closest("[data-close]"))) { box.close(); return; }
    var link = event.target.closest && event.target.closest("a");
    var to = link && (link.getAttribute("href") || link.getAttribute("xlink:href"));
    if (to && to.indexOf("#d") === 0 && open(to.slice(1))) {
      event.preventDefault();
      from = link;
    }
  });
  box.addEventListener("close", function () {
    if (location.hash.indexOf("#d") === 0) { history.replaceState(null, "", location.pathname + location.search); }
    if (from && from.focus) { from.focus(); }
    from = null;
  });
  function asked() { if (location.hash.indexOf("#d") === 0) { open(decodeURIComponent(location.hash.slice(1))); } }
  window.addEventListener("hashchange", asked);
  asked();
})();
