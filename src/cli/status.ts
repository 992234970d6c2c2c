import { askDatabase } from './ask-database.ts';
import { exitCodes, say } from './command.ts';
import type { Command } from './command.ts';

export const statusCommand: Command = {
  name: 'status',
  summary: 'Shows whether every mapping moves.',
  usage: 'status [--json]',
  options: { json: { type: 'boolean' } },
  about: { json: 'one JSON array instead of a table' },
  words: [0, 0],
  async run({ flags }) {
    const rows = await askDatabase('tideway.mapping_status', []);
    say(flags.json ? JSON.stringify(rows) : table(rows));
    return exitCodes.done;
  },
};

function table(rows: Record<string, unknown>[]): string {
  const [first] = rows;
  if (!first) return 'There is no mapping yet.';
  const names = Object.keys(first);
  const cells = [names, ...rows.map((row) => names.map((name) => cell(row[name])))];
  const widths = names.map((_, column) => Math.max(...cells.map((line) => line[column]?.length ?? 0)));
  return cells
    .map((line) =>
      line
        .map((text, column) => text.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

function cell(value: unknown): string {
  if (value === null || value === undefined) return '';
  if (value instanceof Date) return value.toISOString();
  return typeof value === 'string' ? value : JSON.stringify(value);
}
