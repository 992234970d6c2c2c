export type Cell = string | number | Date | null;
export type QueryTables = ReadonlyMap<
  string,
  { readonly columns: readonly string[]; readonly rows: () => readonly Readonly<Record<string, Cell>>[] }
>;

/** What the real one says in `detail` after its fixed beginning. */
export class QueryError extends Error {}

type Value = (row: Readonly<Record<string, Cell>>) => Cell;
type Test = (row: Readonly<Record<string, Cell>>) => boolean;

const TOKEN = /\s*(?:('(?:[^']|'')*')|(\d+(?:\.\d+)?)|([A-Za-z_][\w.]*)|(<=|>=|<>|[(),=<>*-]))/y;

/** The part of SuiteQL that is known well enough to be played; everything else is refused. */
export function runQuery(q: string, tables: QueryTables, offsetMinutes: number): Record<string, string>[] {
  const tokens: string[] = [];
  TOKEN.lastIndex = 0;
  const text = q.trim();
  while (TOKEN.lastIndex < text.length) {
    const found = TOKEN.exec(text);
    if (found === null) throw new QueryError('Search error occurred: Invalid or unsupported search.');
    tokens.push(found[0].trim());
  }
  let at = 0;
  const peek = (): string => (tokens[at] ?? '').toUpperCase();
  const take = (): string => tokens[at++] ?? '';
  const unsupported = (): QueryError => new QueryError('Search error occurred: Invalid or unsupported search.');
  const expect = (...words: readonly string[]): void => {
    for (const word of words) if (take().toUpperCase() !== word) throw unsupported();
  };
  const from = tokens.findIndex((token) => token.toUpperCase() === 'FROM');
  const name = (tokens[from + 1] ?? '').toLowerCase();
  const table = tables.get(name);
  if (from < 0) throw unsupported();
  if (table === undefined) throw new QueryError(`Search error occurred: Record '${name}' was not found.`);
  const alias = tokens[from + 2]?.toLowerCase() ?? '';

  const column = (word: string): string => {
    const [first = '', second] = word.toLowerCase().split('.');
    const bare = second ?? first;
    if (second !== undefined && first !== alias && first !== name) throw unsupported();
    if (!table.columns.includes(bare)) {
      throw new QueryError(
        `Search error occurred: Unknown identifier '${bare}'. Available identifiers are: {${name}=${name}}.`,
      );
    }
    return bare;
  };
  const raw = (value: Cell): string => {
    if (!(value instanceof Date)) return String(value);
    const local = new Date(value.getTime() + offsetMinutes * 60_000);
    return `${String(local.getUTCMonth() + 1)}/${String(local.getUTCDate())}/${String(local.getUTCFullYear())}`;
  };
  const operand = (): Value => {
    const token = take();
    const word = token.toUpperCase();
    if (token.startsWith(`'`)) {
      const content = token.slice(1, -1).replaceAll(`''`, `'`);
      return () => content;
    }
    if (/^\d/.test(token)) return () => Number(token);
    if (token === '-') {
      const number = Number(take());
      return () => -number;
    }
    if (word === 'TO_DATE' || word === 'TO_TIMESTAMP') {
      expect('(');
      const given = take().slice(1, -1);
      expect(',');
      if (take() !== `'YYYY-MM-DD HH24:MI:SS'`) throw unsupported();
      expect(')');
      // A date is of the session's zone; a timestamp stands beside an extracted UTC time.
      const utc = Date.parse(`${given.replace(' ', 'T')}Z`);
      const moment = new Date(word === 'TO_DATE' ? utc - offsetMinutes * 60_000 : utc);
      return () => moment;
    }
    if (word === 'SYS_EXTRACT_UTC') {
      expect('(');
      const inner = operand();
      expect(')');
      return inner;
    }
    if (word === 'TO_CHAR') {
      expect('(');
      const zoned = peek() !== 'SYS_EXTRACT_UTC';
      const inner = operand();
      expect(',');
      const format = take();
      expect(')');
      const length = { [`'YYYY-MM-DD'`]: 10, [`'YYYY-MM-DD"T"HH24:MI:SS"Z"'`]: 19 }[format];
      if (length === undefined) throw unsupported();
      return (row) => {
        const value = inner(row);
        if (!(value instanceof Date)) return value;
        const shift = zoned ? offsetMinutes * 60_000 : 0;
        const iso = new Date(value.getTime() + shift).toISOString().slice(0, length);
        return length === 19 ? `${iso}Z` : iso;
      };
    }
    if (!/^[A-Za-z_]/.test(token) || peek() === '(') throw unsupported();
    const key = column(token);
    return (row) => row[key] ?? null;
  };
  const compare = (a: Cell, b: Cell): number | null => {
    if (a === null || b === null) return null;
    if (a instanceof Date && b instanceof Date) return a.getTime() - b.getTime();
    if (a instanceof Date || b instanceof Date) throw unsupported();
    if (typeof a === 'number' || typeof b === 'number') return Number(a) - Number(b);
    return a < b ? -1 : a > b ? 1 : 0;
  };
  const condition = (): Test => {
    if (peek() === '(') {
      take();
      const inner = any();
      expect(')');
      return inner;
    }
    const left = operand();
    const operator = take().toUpperCase();
    if (operator === 'IN') {
      expect('(');
      const list = [operand()];
      while (peek() === ',') {
        take();
        list.push(operand());
      }
      expect(')');
      if (list.length > 1000) throw unsupported();
      return (row) => list.some((value) => compare(left(row), value(row)) === 0);
    }
    if (operator === 'IS') {
      const not = peek() === 'NOT';
      if (not) take();
      expect('NULL');
      return (row) => (left(row) === null) !== not;
    }
    const holds: ((difference: number) => boolean) | undefined = {
      '=': (d: number) => d === 0,
      '<>': (d: number) => d !== 0,
      '<': (d: number) => d < 0,
      '>': (d: number) => d > 0,
      '<=': (d: number) => d <= 0,
      '>=': (d: number) => d >= 0,
    }[operator];
    if (holds === undefined) throw unsupported();
    const right = operand();
    return (row) => {
      const difference = compare(left(row), right(row));
      return difference !== null && holds(difference);
    };
  };
  const all = (): Test => {
    const parts = [condition()];
    while (peek() === 'AND') {
      take();
      parts.push(condition());
    }
    return (row) => parts.every((part) => part(row));
  };
  const any = (): Test => {
    const parts = [all()];
    while (peek() === 'OR') {
      take();
      parts.push(all());
    }
    return (row) => parts.some((part) => part(row));
  };

  expect('SELECT');
  const shown: { as: string; value: Value }[] = [];
  do {
    if (peek() === ',') take();
    const start = at;
    const value = operand();
    let as = (tokens[start] ?? '').toLowerCase().split('.').at(-1) ?? '';
    if (peek() === 'AS') {
      take();
      as = take().toLowerCase();
    }
    shown.push({ as, value });
  } while (peek() === ',');
  expect('FROM');
  take();
  if (at < tokens.length && !['WHERE', 'ORDER'].includes(peek())) take();
  let test: Test = () => true;
  if (peek() === 'WHERE') {
    take();
    test = any();
  }
  const order: Value[] = [];
  if (peek() === 'ORDER') {
    expect('ORDER', 'BY');
    order.push(operand());
    while (peek() === ',') {
      take();
      order.push(operand());
    }
  }
  if (at < tokens.length) throw unsupported();
  const rows = table.rows().filter(test);
  rows.sort((a, b) => {
    for (const value of order) {
      const difference = compare(value(a), value(b)) ?? 0;
      if (difference !== 0) return difference;
    }
    return 0;
  });
  return rows.map((row) =>
    Object.fromEntries(
      shown.flatMap(({ as, value }) => {
        const cell = value(row);
        return cell === null ? [] : [[as, raw(cell)]];
      }),
    ),
  );
}
