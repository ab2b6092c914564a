"use strict";
// Tables sort and filter. Without this script the page shows everything else all the same.

for (const table of document.querySelectorAll("table.sortable")) {
  const body = table.tBodies[0];
  const heads = [...table.tHead.rows[0].cells];
  if (body.rows.length < 2) continue;
  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const up = head.getAttribute("aria-sort") !== "ascending";
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", up ? "ascending" : "descending");
      const rows = [...body.rows].map((row) => [key(row.cells[column]), row]);
      const order = (a, b) => (typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b)));
      // what has no value stays last either way
      rows.sort(([a], [b]) => (a === null) - (b === null) || (a === null ? 0 : up ? order(a, b) : order(b, a)));
      body.append(...rows.map(([, row]) => row));
    });
  });
  if (body.rows.length > 12) {
    const label = document.createElement("label");
    const input = document.createElement("input");
    label.className = "filter";
    input.type = "search";
    label.append("show rows with", input);
    table.parentElement.before(label);
    input.addEventListener("input", () => {
      const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
      for (const row of body.rows) {
        const text = row.textContent.toLowerCase();
        row.hidden = !words.every((word) => text.includes(word));
      }
    });
  }
}

// What is folded away is on paper, too.
const unfolded = [];
addEventListener("beforeprint", () => {
  for (const one of document.querySelectorAll("details:not([open])")) {
    one.open = true;
    unfolded.push(one);
  }
});
addEventListener("afterprint", () => unfolded.splice(0).forEach((one) => (one.open = false)));

function key(cell) {
  if (cell.dataset.key === undefined) return cell.textContent.trim();
  return cell.dataset.key === "" ? null : Number(cell.dataset.key);
}
