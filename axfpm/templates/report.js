// The report's page: draws its charts one after the other while the browser is idle, and the view of the catalogue.
"use strict";

const page = JSON.parse(document.getElementById("report-data").textContent);
const EMBED = { renderer: "svg", actions: false, defaultStyle: false, config: page.config, patch: placeLabels,
                tooltip: { disableDefaultStyle: true } };

/* Names beside dots where they fit, by Vega's label transform, which Vega-Lite has no word for. */
function placeLabels(vega) {
  for (const mark of vega.marks) {
    if (mark.name !== "labels_marks") continue;
    const { fill, fontSize } = mark.encode.update;
    mark.from = { data: "dots_marks" };
    mark.encode = { update: { fill, fontSize, text: { signal: "datum.datum.name" } } };
    mark.transform = [{ type: "label", size: { signal: "[width + 10, height]" }, offset: [6],
                        avoidMarks: vega.marks.map(({ name }) => name).filter((name) => /^layer_\d+_marks$/.test(name)),
                        anchor: ["right", "left", "top", "bottom", "top-right", "bottom-right", "top-left", "bottom-left"] }];
  }
  return vega;
}

const idle = window.requestIdleCallback || ((work) => setTimeout(work, 1));

async function draw(place, spec) {
  const old = place.view;
  const { view } = await window.vegaEmbed(place, spec, EMBED);
  place.view = view;
  if (old) old.finalize();
}

function drawAll() {
  const places = [...document.querySelectorAll(".chart[data-chart]")];
  const next = async () => {
    const place = places.shift();
    if (!place) {
      document.documentElement.dataset.drawn = "all";
      return;
    }
    await draw(place, page.charts[place.dataset.chart]);
    idle(next);
  };
  idle(next);
}

/* What is at least as good in both, and better in one, whatever the truth within both intervals is. */
function beats(a, b, axes) {
  const worst = axes.map(([axis, key]) => (axis.better === "less" ? a[key].high <= b[key].low : a[key].low >= b[key].high));
  const strict = axes.some(([axis, key]) => (axis.better === "less" ? a[key].high < b[key].low : a[key].low > b[key].high));
  return worst.every(Boolean) && strict;
}

function explorer(form) {
  const { axes, rows, chart } = page.catalogue;
  const place = document.getElementById("explorer-chart");
  const said = document.getElementById("explorer-state");
  let next = null, busy = false;
  const lines = new Map([...document.querySelectorAll("#catalogue-table tbody tr")].map((tr) => [tr.dataset.name, tr]));

  function wanted() {
    const families = new Set([...form.querySelectorAll("[name=family]:checked")].map((box) => box.value));
    const text = form.elements.name.value.trim().toLowerCase();
    return rows.filter((row) => families.has(row.family) && row.name.toLowerCase().includes(text));
  }

  function specification(x, y, shown) {
    const spec = structuredClone(chart);
    spec.datasets = { rows: shown };
    spec.description = `${y.title} against ${x.title} of ${shown.length} multipliers.`;
    for (const { encoding } of spec.layer) {
      for (const [channel, axis] of [["x", x], ["y", y]]) {
        if (!encoding[channel]) continue;
        encoding[channel].title = axis.title;
        encoding[channel].scale = { type: axis.log ? "log" : "linear", padding: 22, nice: false, ...(axis.log ? {} : { zero: false }) };
      }
      for (const tip of [].concat(encoding.tooltip || [])) {
        if (tip.field === "across") tip.title = x.title;
        if (tip.field === "up") tip.title = y.title;
      }
    }
    return spec;
  }

  /* One drawing at a time, and of several wishes the last. */
  async function redraw(spec) {
    next = spec;
    if (busy) return;
    busy = true;
    while (next) {
      const now = next;
      next = null;
      await draw(place, now);
    }
    busy = false;
  }

  function update() {
    const [x, y] = ["x", "y"].map((key) => axes.find((axis) => axis.key === form.elements[key].value));
    const visible = wanted();
    for (const [name, tr] of lines) tr.hidden = !visible.some((row) => row.name === name);
    // A logarithmic axis has no place for what is not above 0.
    const placed = (axis, value) => value && (!axis.log || value.value > 0);
    const both = visible.filter((row) => placed(x, row.values[x.key]) && placed(y, row.values[y.key]));
    const pair = [[x, x.key], [y, y.key]];
    const shown = both.map((row) => {
      const [a, b] = [row.values[x.key], row.values[y.key]];
      const beaten = both.some((other) => other !== row && beats(other.values, row.values, pair));
      return { name: row.name, family: row.family, state: beaten ? "beaten in both" : "not beaten",
               x: a.value, x0: a.low, x1: a.high, y: b.value, y0: b.low, y1: b.high,
               across: a.text, up: b.text };
    });
    const free = shown.filter((row) => row.state === "not beaten").map((row) => row.name);
    const missing = visible.length - shown.length;
    said.textContent = `${shown.length} of ${rows.length} multipliers shown` +
      (missing ? `, ${missing} of the chosen without one of the two figures` : "") +
      (shown.length ? `; not beaten in both: ${free.join(", ")}.` : ".");
    place.dataset.axes = `${x.key} ${y.key}`;
    place.dataset.points = shown.length;
    place.hidden = shown.length === 0;
    if (shown.length) redraw(specification(x, y, shown));
  }

  form.addEventListener("input", update);
  form.addEventListener("submit", (event) => event.preventDefault());
  update();
}

function theme(button) {
  const root = document.documentElement;
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const isDark = () => (root.dataset.theme ? root.dataset.theme === "dark" : dark.matches);
  const tell = () => { button.textContent = isDark() ? "Light page" : "Dark page"; };
  button.hidden = false;
  button.addEventListener("click", () => { root.dataset.theme = isDark() ? "light" : "dark"; tell(); });
  dark.addEventListener("change", tell);
  tell();
}

window.addEventListener("beforeprint", () => {
  for (const place of document.querySelectorAll("details")) place.open = true;
});
theme(document.getElementById("theme"));
const form = document.querySelector("form.explorer");
if (form) idle(() => explorer(form));
drawAll();
