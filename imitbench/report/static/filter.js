// The filter hides what is about other suites, tasks or methods: sections, rows, panels and videos.
const filter = document.querySelector(".filter");

// The task that a text is about: its first word, as in "Hopper 4, learned expert".
const taskOf = (text) => text.split(/[ ,]/)[0];

// A method's label, without what a table says behind it about seeds that diverged.
const labelOf = (text) => text.replace(/ \(seed [^()]* diverged, counted as [^()]*\)$/, "");

function setOut(node, isOut) {
  node.classList.toggle("out", isOut);
}

// The columns of a table that say what a row is about, by their numbers; -1 where there are none.
function columnsOf(table) {
  const names = [...table.tHead.rows[0].cells].map((th) => th.textContent);
  return { task: names.indexOf("Task"), method: names.indexOf("Method"), where: names.indexOf("Where") };
}

function rowFits(row, columns, wanted) {
  const text = (column) => row.cells[column].textContent;
  if (wanted.task && columns.task >= 0 && text(columns.task) !== wanted.task) return false;
  if (wanted.method && columns.method >= 0 && labelOf(text(columns.method)) !== wanted.method) return false;
  // A claim's place may name several tasks.
  return !(wanted.task && columns.where >= 0) || text(columns.where).split(/[ ,]/).includes(wanted.task);
}

function applyFilter() {
  const wanted = Object.fromEntries(["suite", "task", "method"].map((k) => [k, filter.elements[k].value]));
  const isOther = (key, value) => wanted[key] !== "" && value !== wanted[key];
  let shown = 0, all = 0;
  for (const suite of document.querySelectorAll(".suite")) {
    const isOut = isOther("suite", suite.querySelector("h2").textContent);
    setOut(suite, isOut);
    for (const table of suite.querySelectorAll(".scroll > table")) {
      const columns = columnsOf(table);
      for (const row of table.tBodies[0].rows) setOut(row, !rowFits(row, columns, wanted));
    }
    const scores = [...suite.querySelector(".scroll > table").tBodies[0].rows];
    all += scores.length;
    shown += isOut ? 0 : scores.filter((row) => !row.classList.contains("out")).length;
    for (const panel of suite.querySelectorAll(".panel")) {
      setOut(panel, isOther("task", taskOf(panel.querySelector("figcaption").textContent)));
    }
    for (const node of suite.querySelectorAll(".panel g[data-name], .legend button")) {
      setOut(node, isOther("method", node.dataset.name));
    }
    for (const block of suite.querySelectorAll(".videos")) {
      setOut(block, isOther("task", taskOf(block.querySelector("h4").textContent)));
    }
    for (const film of suite.querySelectorAll(".videos figure")) {
      setOut(film, isOther("method", film.querySelector("strong").textContent));
    }
  }
  const isAll = Object.values(wanted).every((v) => v === "");
  filter.querySelector("output").textContent = isAll ? `${all} cells` : `${shown} of ${all} cells shown`;
}

function fillFilter() {
  const found = { suite: new Set(), task: new Set(), method: new Set() };
  for (const suite of document.querySelectorAll(".suite")) {
    found.suite.add(suite.querySelector("h2").textContent);
    const table = suite.querySelector(".scroll > table");
    const columns = columnsOf(table);
    for (const row of table.tBodies[0].rows) {
      found.task.add(row.cells[columns.task].textContent);
      found.method.add(labelOf(row.cells[columns.method].textContent));
    }
  }
  for (const [key, values] of Object.entries(found)) {
    const sorted = [...values].sort((a, b) => a.localeCompare(b, "en", { numeric: true }));
    filter.elements[key].append(...sorted.map((v) => new Option(v, v)));
  }
  filter.hidden = false;
  filter.onchange = applyFilter;
  filter.querySelector("button").onclick = () => {
    filter.reset();
    applyFilter();
  };
  filter.onsubmit = (event) => event.preventDefault();
  applyFilter();
}

fillFilter();
