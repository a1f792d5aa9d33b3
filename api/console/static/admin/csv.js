// Figures of a page as a file.
import { saveAs } from "../lib/download.js";

/** A cell that no spreadsheet takes for a formula. @param {any} value */
export function cell(value) {
  const text = value === null || value === undefined ? "" : String(value);
  const safe = typeof value === "string" && /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\n\r]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** @param {string} name @param {string[]} head @param {any[][]} rows */
export function saveCsv(name, head, rows) {
  const text = [head, ...rows].map((row) => row.map(cell).join(",")).join("\r\n");
  saveAs(new Blob(["\ufeff", text, "\r\n"], { type: "text/csv" }), name);
}
