const number = new Intl.NumberFormat('en-US');
const WIDTH = 24;

export function counted(value: unknown): string {
  return value === null || value === undefined ? '' : number.format(Number(value));
}

/** A bar as wide as its part of the whole; without a whole nothing can be drawn. */
export function bar(done: number, total: number | null): string {
  if (total === null || total <= 0) return '';
  const part = Math.min(1, done / total);
  const filled = Math.round(part * WIDTH);
  return `[${'#'.repeat(filled)}${'-'.repeat(WIDTH - filled)}] ${String(Math.floor(part * 100)).padStart(3)} %`;
}

/** How long something lasts, in the unit that a person would use. */
export function span(seconds: number): string {
  if (seconds < 1) return '0 s';
  if (seconds < 120) return `${String(Math.round(seconds))} s`;
  if (seconds < 7_200) return `${String(Math.round(seconds / 60))} min`;
  return seconds < 172_800
    ? `${String(Math.round(seconds / 3_600))} h`
    : `${String(Math.round(seconds / 86_400))} days`;
}

export function size(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  const step = Math.min(units.length - 1, bytes < 1 ? 0 : Math.floor(Math.log(bytes) / Math.log(1024)));
  return `${String(Math.round(bytes / 1024 ** step))} ${units[step] ?? ''}`;
}

/** Cells in columns; numbers stand to the right. */
export function columns(names: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [names, ...rows];
  const widths = names.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  const isNumber = names.map((_, column) => rows.every((row) => /^[\d,.]*$/.test(row[column] ?? '')));
  return lines
    .map((line) =>
      line
        .map((text, column) =>
          isNumber[column] ? text.padStart(widths[column] ?? 0) : text.padEnd(widths[column] ?? 0),
        )
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

const PLAIN_EVERY = 5_000;

/** One line that is written over and over on a terminal; elsewhere, in a log, a line of its own every few seconds. */
export function liveLine(out: NodeJS.WriteStream = process.stderr): { show(text: string): void; end(): void } {
  if (!out.isTTY) {
    let written = Date.now();
    return {
      show: (text) => {
        if (Date.now() - written < PLAIN_EVERY) return;
        written = Date.now();
        out.write(`${text}\n`);
      },
      end: () => undefined,
    };
  }
  return {
    show: (text) => out.write(`\r\x1b[K${text.slice(0, Math.max(20, (out.columns || 80) - 1))}`),
    end: () => out.write('\r\x1b[K'),
  };
}
