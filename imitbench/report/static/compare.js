// The comparison of two methods of a suite, computed here from the scores of each seed.
function make(name, attributes, ...children) {
  const node = document.createElement(name);
  for (const [k, v] of Object.entries(attributes)) node.setAttribute(k, v);
  node.append(...children);
  return node;
}

function fixed(pair, v, signed) {
  const text = Math.abs(pair.share ? 100 * v : v).toFixed(1);
  const sign = v < 0 && Number(text) !== 0 ? "-" : signed ? "+" : "";
  return sign + text;
}

function withInterval(pair, v, low, high, signed) {
  const isKnown = low !== null && !Number.isNaN(low);
  const ends = isKnown ? ` [${fixed(pair, low, signed)}, ${fixed(pair, high, signed)}]` : "";
  return fixed(pair, v, signed) + ends;
}

const isDecided = (pair) => pair.adjusted <= LEVEL;
const showP = (p) => (p < 0.0005 ? "<0.001" : p.toFixed(3));

function verdictOf(pair, first, second) {
  if (Number.isNaN(pair.interval[0])) return "one seed cannot say";
  if (!isDecided(pair)) return "no difference shown";
  return `${pair.lead.value > 0 ? first : second} is above`;
}

function overall(pairs, first, second) {
  const counted = pairs.filter((p) => p.measure === "success_final" || p.measure === "return");
  const decided = counted.filter(isDecided);
  const above = decided.filter((p) => p.lead.value > 0).length;
  const chance = average(counted.map((p) => p.improvement)).toFixed(2);
  return `${first} is above ${second} on ${above} of ${counted.length} places, below on ` +
    `${decided.length - above}, undecided on ${counted.length - decided.length}; ` +
    `probability of improvement ${chance}.`;
}

const isNumber = (column) => column > 1 && column < 7;

function comparisonTable(pairs, first, second, suite) {
  const names = ["Where", "Measure", first, second, "Difference", "Adjusted p", "P(improvement)", "Verdict"];
  const head = make("tr", {}, ...names.map((n, i) => make("th", { scope: "col", class: `plain${isNumber(i) ? " number" : ""}` }, n)));
  const rows = pairs.map((p) => {
    const texts = [
      p.place, p.measure.replace("_", " ") + (p.share ? ", %" : ""), withInterval(p, ...p.a), withInterval(p, ...p.b),
      withInterval(p, p.lead.value, ...p.interval, true), showP(p.adjusted), p.improvement.toFixed(2),
      verdictOf(p, first, second),
    ];
    return make("tr", {}, ...texts.map((t, i) => make("td", isNumber(i) ? { class: "number" } : {}, t)));
  });
  const table = make("table", {}, make("thead", {}, head), make("tbody", {}, ...rows));
  return make("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": `${first} against ${second}, ${suite}` }, table);
}

function chooser(text, labels, chosen) {
  const select = make("select", {}, ...labels.map((l) => new Option(l, l, false, l === chosen)));
  return [select, make("label", {}, `${text} `, select)];
}

function compareIn(block) {
  const data = JSON.parse(block.querySelector("script").textContent);
  const suite = block.closest(".suite").querySelector("h2").textContent;
  const labels = [...new Set(data.cells.map((c) => c.label))];
  const [a, first] = chooser("First method", labels, labels[0]);
  const [b, second] = chooser("Second method", labels, labels[1]);
  const answer = make("div", { class: "answer" });
  const said = make("p", { role: "status" });
  const update = () => {
    const pairs = comparePlaces(data, a.value, b.value);
    answer.replaceChildren();
    said.textContent = "";
    if (a.value === b.value) said.textContent = "Choose two different methods.";
    else if (pairs.length === 0) said.textContent = `${a.value} and ${b.value} have no place in common.`;
    else {
      said.textContent = overall(pairs, a.value, b.value);
      const notes = new Set(pairs.flatMap((p) => p.differences.map((d) => `${p.place}: ${d}.`)));
      answer.append(comparisonTable(pairs, a.value, b.value, suite), ...[...notes].map((n) => make("p", { class: "warning", role: "note" }, n)));
    }
  };
  a.onchange = b.onchange = update;
  block.append(make("div", { class: "choose" }, first, second), said, answer);
  update();
}

document.querySelectorAll(".compare").forEach(compareIn);
