// Tables: a click on a head sorts by its column, a second one the other way; "-" stays last.
function sortBy(button) {
  const th = button.closest("th");
  const table = th.closest("table");
  const column = [...th.parentNode.children].indexOf(th);
  const numeric = th.classList.contains("number");
  // Large numbers are what one looks for first.
  const before = th.getAttribute("aria-sort");
  const first = numeric ? "descending" : "ascending";
  const other = numeric ? "ascending" : "descending";
  const order = before === first ? other : first;
  for (const x of th.parentNode.children) x.setAttribute("aria-sort", "none");
  th.setAttribute("aria-sort", order);
  const sign = order === "ascending" ? 1 : -1;
  const key = (row) => {
    const cell = row.cells[column];
    if (numeric) return cell.dataset.sort === undefined ? null : Number(cell.dataset.sort);
    return cell.textContent === "-" ? null : cell.textContent;
  };
  const compare = (a, b) => {
    const [x, y] = [key(a), key(b)];
    if (x === null || y === null) return (x === null) - (y === null);
    return sign * (numeric ? x - y : x.localeCompare(y, "en", { numeric: true }));
  };
  const body = table.tBodies[0];
  body.append(...[...body.rows].sort(compare));
}
for (const b of document.querySelectorAll("th button")) b.onclick = () => sortBy(b);
