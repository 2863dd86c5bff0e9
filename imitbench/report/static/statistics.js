"use strict";

// The statistics of a comparison of two methods, as docs/statistics.md has them. They give the
// numbers of imitbench/results/stats; tests/report/test_scripts.py compares both.

const LEVEL = 0.05;

function logGamma(x) {  // Lanczos 1964, with Godfrey's coefficients for g = 7; x > 0
  const terms = [676.5203681218851, -1259.1392167224028, 771.32342877765313, -176.61502916214059,
    12.507343278686905, -0.13857109526572012, 9.9843695780195716e-6, 1.5056327351493116e-7];
  const sum = terms.reduce((s, c, i) => s + c / (x + i), 0.99999999999980993);
  const base = x + 6.5;
  return 0.5 * Math.log(2 * Math.PI) + (x - 0.5) * Math.log(base) - base + Math.log(sum);
}

// The regularised incomplete beta function, by its continued fraction (Lentz's method).
function incompleteBeta(x, a, b) {
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  if (x > (a + 1) / (a + b + 2)) return 1 - incompleteBeta(1 - x, b, a);
  const front = Math.exp(logGamma(a + b) - logGamma(a) - logGamma(b) + a * Math.log(x) + b * Math.log1p(-x));
  const away = (v) => (Math.abs(v) < 1e-300 ? 1e-300 : v);
  let c = 1, d = 1 / away(1 - ((a + b) * x) / (a + 1)), f = d;
  for (let m = 1; m < 1000; m++) {
    for (const step of [
      (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m)),
      (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1)),
    ]) {
      d = 1 / away(1 + step * d);
      c = away(1 + step / c);
      f *= c * d;
    }
    if (Math.abs(c * d - 1) < 1e-15) break;
  }
  return (front * f) / a;
}

// The chance that Student's t exceeds a value of at least 0.
function tail(t, freedom) {
  return 0.5 * incompleteBeta(freedom / (freedom + t * t), freedom / 2, 0.5);
}

// The value that |t| stays below in 95% of cases.
function critical(freedom) {
  let low = 0, high = 2;
  while (tail(high, freedom) > LEVEL / 2) high *= 2;
  for (let i = 0; i < 200 && high - low > 1e-13 * high; i++) {
    const middle = (low + high) / 2;
    if (tail(middle, freedom) > LEVEL / 2) low = middle;
    else high = middle;
  }
  return high;
}

const average = (x) => x.reduce((s, v) => s + v, 0) / x.length;
const squares = (x, centre) => x.reduce((s, v) => s + (v - centre) ** 2, 0);

// A mean has a value, its standard error (NaN with one seed) and degrees of freedom.
function overSeeds(x) {
  const value = average(x);
  const error = x.length > 1 ? Math.sqrt(squares(x, value) / (x.length - 1) / x.length) : NaN;
  return { value, error, freedom: x.length - 1 };
}

// Outcomes [seed][state] of seeds that share their initial states: crossed random effects.
function crossed(y) {
  const seeds = y.length, states = y[0].length;
  const bySeed = y.map(average);
  if (seeds < 2 || states < 2) return overSeeds(bySeed);
  const mean = average(bySeed);
  const byState = y[0].map((_, e) => average(y.map((row) => row[e])));
  const seed = (states * squares(bySeed, mean)) / (seeds - 1);
  const state = (seeds * squares(byState, mean)) / (states - 1);
  const freedom = (seeds - 1) * (states - 1);
  const rests = y.flatMap((row, s) => row.map((v, e) => v - bySeed[s] - byState[e] + mean));
  const rest = squares(rests, 0) / freedom;
  const both = seed + state - rest;
  const variance = Math.max(both, seed, state) / (seeds * states);
  const spread = seed ** 2 / (seeds - 1) + state ** 2 / (states - 1) + rest ** 2 / freedom;
  const found = spread > 0 ? both ** 2 / spread : 0;
  return { value: mean, error: Math.sqrt(variance), freedom: Math.max(found, Math.min(seeds, states) - 1) };
}

// The difference of two independent means (Welch).
function difference(a, b) {
  const value = a.value - b.value;
  const variance = a.error ** 2 + b.error ** 2;
  if (!(variance > 0)) return { value, error: Math.sqrt(variance), freedom: Math.min(a.freedom, b.freedom) };
  const parts = [a, b].filter((m) => m.error > 0).map((m) => m.error ** 4 / m.freedom);
  return { value, error: Math.sqrt(variance), freedom: variance ** 2 / parts.reduce((s, v) => s + v) };
}

// Where all seeds have the same difference of rates: the error of independent episodes (Agresti, Caffo 2000).
function withBinomialError(lead, rates, episodes) {
  if (Number.isNaN(lead.error) || lead.error > 1e-9) return lead;
  const variances = rates.map((rate, i) => {
    const n = episodes[i] + 4, p = (rate * episodes[i] + 2) / n;
    return (p * (1 - p)) / n;
  });
  return { ...lead, error: Math.sqrt(variances[0] + variances[1]) };
}

function interval(mean) {
  const half = Number.isNaN(mean.error) ? NaN : critical(mean.freedom) * mean.error;
  return [mean.value - half, mean.value + half];
}

// The two-sided p value of "the true value is not 0".
function pValue(mean) {
  if (Number.isNaN(mean.error)) return 1;
  if (mean.error === 0) return mean.value === 0 ? 1 : 0;
  return Math.min(2 * tail(Math.abs(mean.value) / mean.error, mean.freedom), 1);
}

// Adjusts p values so that the chance of any false decision stays below the level (Holm 1979).
function holm(p) {
  const order = p.map((_, i) => i).sort((i, j) => p[i] - p[j]);
  const adjusted = [];
  let largest = 0;
  order.forEach((i, rank) => {
    largest = Math.max(largest, Math.min(p[i] * (p.length - rank), 1));
    adjusted[i] = largest;
  });
  return adjusted;
}

// The chance that a seed of the first beats a seed of the second; a tie counts half.
function improvement(x, y) {
  return average(x.flatMap((a) => y.map((b) => (a > b ? 1 : a === b ? 0.5 : 0))));
}

// The lead of one cell over another: seed by seed where they are paired, by Welch's test otherwise.
// leads: those of the seeds, where the cells have other numbers of episodes.
function leadOf(a, b, isRate, isPaired, leads) {
  const mean = (m) => (m.outcomes ? crossed(m.outcomes) : overSeeds(m.values));
  const minus = (x, y) => x.slice(0, y.length).map((v, i) => v - y[i]);
  let lead;
  if (leads) lead = Array.isArray(leads[0]) ? crossed(leads) : overSeeds(leads);
  else if (!isPaired) lead = difference(mean(a), mean(b));
  else if (a.outcomes && b.outcomes) lead = crossed(a.outcomes.map((row, s) => minus(row, b.outcomes[s])));
  else lead = overSeeds(minus(a.values, b.values));
  if (!isRate) return lead;
  return withBinomialError(lead, [average(a.values), average(b.values)], [a.episodes, b.episodes]);
}

// Compares two methods of a suite at all places that both have.
function comparePlaces(data, first, second) {
  const found = [];
  data.cells.forEach((a, i) => data.cells.forEach((b, j) => {
    if (a.label !== first || b.label !== second || a.place !== b.place) return;
    const about = data.pairs.find((p) => p.cells[0] === i && p.cells[1] === j) ?? { paired: true, differences: [] };
    for (const measure of Object.keys(a.measures)) {
      const [x, y] = [a.measures[measure], b.measures[measure]];
      const lead = leadOf({ ...x, episodes: a.episodes }, { ...y, episodes: b.episodes }, a.share, about.paired,
        about.leads?.[measure]);
      found.push({ place: a.place, measure, share: a.share, a: x.estimate, b: y.estimate, lead,
        interval: interval(lead), p: pValue(lead), improvement: improvement(x.values, y.values),
        differences: about.differences });
    }
  }));
  for (const measure of new Set(found.map((f) => f.measure))) {
    const same = found.filter((f) => f.measure === measure);
    holm(same.map((f) => f.p)).forEach((p, k) => { same[k].adjusted = p; });
  }
  return found;
}
