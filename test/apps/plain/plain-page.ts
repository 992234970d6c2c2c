import type { PlainStore } from './plain-store.ts';
import { toWire } from './plain-values.ts';

/** What a person sees who opens the app in a browser. */
export function renderPage(title: string, store: PlainStore): string {
  const tables = store.tables.map((table) => {
    const head = table.columns.map((column) => `<th>${escape(column.title ?? column.id)}</th>`).join('');
    const rows = store.read(table.id).map((record) => {
      const cells = table.columns
        .map((column) => `<td>${escape(show(record.values[column.id] ?? null))}</td>`)
        .join('');
      return `<tr><td>${escape(record.id)}</td>${cells}<td>${record.modifiedAt}</td></tr>`;
    });
    return `<h2>${escape(table.title ?? table.id)} (${String(rows.length)})</h2>
<table><tr><th>id</th>${head}<th>modified</th></tr>
${rows.join('\n')}
</table>`;
  });
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta http-equiv="refresh" content="2"><title>${escape(title)}</title>
<style>body{font:15px system-ui;margin:2rem}table{border-collapse:collapse}td,th{border:1px solid #ccc;padding:.3rem .6rem;text-align:left}</style>
</head><body><h1>${escape(title)}</h1>
${tables.join('\n')}
</body></html>
`;
}

function show(value: unknown): string {
  if (value === null) return '';
  return typeof value === 'string' ? value : toWire(value);
}

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
