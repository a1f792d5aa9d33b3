// Charts as our own SVG: drawn to the width that is there, each with its figures as a table behind it.
import { onEnd, signal } from "./state.js";
import { h, said, svg } from "./dom.js";
import { number } from "./format.js";

/** @typedef {{label: string, value: number, note?: string}} Point */
/**
 * @typedef {object} Chart
 * @property {string} title
 * @property {Point[]} points
 * @property {(value: number) => string} [format] of a value in words
 * @property {string} [column] what the values are, as the table's heading
 * @property {(point: Point) => any} [link]
 */

const HEIGHT = 220;
const LEFT = 54;
const BOTTOM = 24;
const TOP = 10;
const compact = new Intl.NumberFormat(undefined, { notation: "compact", maximumFractionDigits: 1 });

/** The next value of 1, 2, 2.5 or 5 times a power of ten, so that the axis has whole steps. @param {number} most */
export function niceMost(most) {
  if (!(most > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(most));
  return power * ([1, 2, 2.5, 5, 10].find((step) => step * power >= most) ?? 10);
}

/** Values over time. @param {Chart} chart */
export const lineChart = (chart) => framed(chart, (width, heard) => {
  const { points } = chart;
  const scale = scaled(chart, width);
  const at = points.map((point, n) => /** @type {[number, number]} */ ([scale.middle(n), scale.y(point.value)]));
  const line = at.map(([x, y], n) => `${n ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}`).join("");
  const [first, last] = [at[0], at[at.length - 1]];
  const floor = scale.y(0).toFixed(1);
  return [
    axes(chart, scale, width),
    first && last && svg("path", { class: "area", d: `${line}L${last[0].toFixed(1)} ${floor}L${first[0].toFixed(1)} ${floor}Z` }),
    svg("path", { class: "line", d: line }),
    at.map(([x, y]) => points.length <= 62 && svg("circle", { class: "dot", cx: x, cy: y, r: points.length > 31 ? 2 : 3 })),
    hits(chart, scale, heard),
  ];
});

/** A bar for each. @param {Chart} chart */
export const barChart = (chart) => framed(chart, (width, heard) => {
  const scale = scaled(chart, width);
  const thick = Math.max(2, Math.min(44, scale.step * 0.68));
  return [
    axes(chart, scale, width),
    chart.points.map((point, n) => svg("rect", { class: "bar-mark", x: scale.middle(n) - thick / 2, width: thick, y: scale.y(Math.max(0, point.value)), height: Math.max(0, scale.y(0) - scale.y(Math.max(0, point.value))), rx: 2 })),
    hits(chart, scale, heard),
  ];
});

/** The longest on top, each with its name and its value: for names that don't fit under a bar. @param {Chart} chart */
export function rankChart(chart) {
  const { points, format = number } = chart;
  const most = Math.max(...points.map((point) => point.value), 0) || 1;
  return h("figure", { class: "chart" },
    h("figcaption", null, chart.title),
    h("ol", { class: "rank" }, points.map((point) => h("li", null,
      h("span", { class: "rank-name" }, chart.link ? chart.link(point) : said(point.label)),
      h("span", { class: "rank-value tabular" }, format(point.value), point.note && h("span", { class: "faint" }, ` ${point.note}`)),
      h("span", { class: "rank-bar", "aria-hidden": "true" }, h("span", { style: { width: `${Math.max(0, point.value / most) * 100}%` } })),
    ))),
  );
}

/** @param {Chart} chart @param {(width: number, heard: (point: Point | null) => void) => any} draw */
function framed(chart, draw) {
  const { points, format = number } = chart;
  const width = signal(0);
  const shown = signal(/** @type {Point | null} */ (null));
  const place = h("div", { class: "chart-place" }, () => width() > 0 && svg("svg", { viewBox: `0 0 ${width()} ${HEIGHT}`, width: width(), height: HEIGHT, role: "img", "aria-label": summary(chart) }, draw(width(), shown.set)));
  const watch = new ResizeObserver(([entry]) => width.set(Math.floor(entry?.contentRect.width ?? 0)));
  watch.observe(place);
  onEnd(() => watch.disconnect());
  return h("figure", { class: "chart" },
    h("figcaption", null, chart.title, h("span", { class: "chart-news tabular", "aria-hidden": "true" }, () => {
      const point = shown();
      return point && `${point.label}: ${format(point.value)}`;
    })),
    place,
    h("details", { class: "chart-table" }, h("summary", null, "As a table"), h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": chart.title }, h("table", { class: "table plain" },
      h("thead", null, h("tr", null, h("th", { scope: "col" }, ""), h("th", { scope: "col", class: "number" }, chart.column ?? "Value"))),
      h("tbody", null, points.map((point) => h("tr", null, h("th", { scope: "row" }, point.label), h("td", { class: "number", "data-label": chart.column ?? "Value" }, format(point.value))))),
    ))),
  );
}

/** @param {Chart} chart */
function summary({ title, points, format = number }) {
  const most = points.reduce((best, point) => (point.value > best.value ? point : best), points[0] ?? { label: "", value: 0 });
  return points.length ? `${title}: ${points.length} values from ${points[0]?.label} to ${points[points.length - 1]?.label}, most ${format(most.value)} (${most.label})` : `${title}: nothing`;
}

/** @param {Chart} chart @param {number} width */
function scaled({ points }, width) {
  const most = niceMost(Math.max(...points.map((point) => point.value), 0));
  const step = (width - LEFT - 8) / Math.max(1, points.length);
  return {
    most, step,
    /** @param {number} n */
    middle: (n) => LEFT + step * (n + 0.5),
    /** @param {number} value */
    y: (value) => TOP + (HEIGHT - TOP - BOTTOM) * (1 - value / most),
  };
}

/** @typedef {ReturnType<typeof scaled>} Scale */

/** @param {Chart} chart @param {Scale} scale @param {number} width */
function axes({ points }, scale, width) {
  const every = Math.ceil(points.length / Math.max(2, Math.floor((width - LEFT) / 64)));
  return [
    [0, 0.25, 0.5, 0.75, 1].map((part) => {
      const y = scale.y(scale.most * part);
      return [
        svg("line", { class: part ? "grid" : "floor", x1: LEFT, x2: width, y1: y, y2: y }),
        svg("text", { class: "tick", x: LEFT - 8, y: y + 4, "text-anchor": "end" }, compact.format(scale.most * part)),
      ];
    }),
    points.map((point, n) => n % every === 0 && svg("text", { class: "tick", x: scale.middle(n), y: HEIGHT - 6, "text-anchor": "middle" }, point.label)),
  ];
}

/** Whole columns that tell what is under the pointer. @param {Chart} chart @param {Scale} scale @param {(point: Point | null) => void} heard */
const hits = ({ points, format = number }, scale, heard) => points.map((point, n) => svg("rect", {
  class: "hit", x: scale.middle(n) - scale.step / 2, width: scale.step, y: TOP, height: HEIGHT - TOP - BOTTOM,
  onpointerenter: () => heard(point), onpointerleave: () => heard(null),
}, svg("title", null, `${point.label}: ${format(point.value)}`)));
