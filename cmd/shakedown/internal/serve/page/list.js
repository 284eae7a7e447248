"use strict";
// Narrows the rows that are shown while one types; the button asks the program,
// which searches all runs.
(function () {
  const search = document.querySelector("#search input"), verdict = document.querySelector("#search select");
  const rows = [...document.querySelectorAll("#runs tbody tr")].map(row => ({ row, text: row.textContent.toLowerCase(), state: (row.querySelector(".state") || {}).textContent }));
  function narrow() {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const r of rows) {
      const fits = words.every(w => r.text.includes(w)) && (!verdict.value || r.state === verdict.value || !r.state);
      r.row.hidden = !fits;
      if (fits) shown++;
    }
    document.getElementById("count").textContent = shown + " of " + rows.length + " runs on this page";
  }
  search.addEventListener("input", narrow);
  verdict.addEventListener("change", () => verdict.form.submit());
})();
