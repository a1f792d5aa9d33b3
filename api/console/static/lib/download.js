// Files that are saved on the reader's machine.

/** A file of the API, saved under its own name. @param {import("./api.js").Client} api @param {string} path @param {Record<string, any>} [query] */
export async function download(api, path, query) {
  const answer = await api.request("GET", path, { query, raw: true });
  saveAs(await answer.blob(), /filename="?([^";]+)"?/.exec(answer.headers.get("Content-Disposition") ?? "")?.[1] ?? "download");
}

/** @param {Blob} file @param {string} name */
export function saveAs(file, name) {
  const url = URL.createObjectURL(file);
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
