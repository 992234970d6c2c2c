import type { GlideRecord } from './glide-store.ts';

export interface Selection {
  readonly table: string;
  readonly matches: (record: GlideRecord) => boolean;
  readonly orderBy?: { readonly column: string; readonly descending: boolean };
  readonly limit?: number;
}

const TOKEN = /\s*("(?:[^"]|"")*"|'[^']*'|\$\d+|<=|>=|!=|[=<>*]|-?\d+(?:\.\d+)?|[A-Za-z]+)/y;

/** Flat predicates only, joined by one word: what Big Tables are known to take. Anything else is null. */
export function parseSelect(sql: string, params: readonly unknown[]): Selection | null {
  const words: string[] = [];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < sql.trimEnd().length) {
    const word = TOKEN.exec(sql)?.[1];
    if (word === undefined) return null;
    words.push(word);
  }
  const next = (): string => words.shift() ?? '';
  const take = (...wanted: readonly string[]): boolean => {
    if (!wanted.every((word, index) => words[index]?.toUpperCase() === word)) return false;
    words.splice(0, wanted.length);
    return true;
  };
  const name = (word: string): string | null => (word.startsWith('"') ? word.slice(1, -1).replaceAll('""', '"') : null);

  if (!take('SELECT', '*', 'FROM')) return null;
  const table = name(next());
  if (table === null) return null;
  const predicates: ((record: GlideRecord) => boolean)[] = [];
  const joins = new Set<string>();
  if (take('WHERE')) {
    do {
      const column = name(next());
      if (column === null) return null;
      const read = (record: GlideRecord): unknown => (column === '$rowID' ? record.id : record.cells[column]);
      if (take('IS', 'NOT', 'NULL')) predicates.push((record) => read(record) !== undefined);
      else if (take('IS', 'NULL')) predicates.push((record) => read(record) === undefined);
      else {
        const operator = next();
        const value = operand(next(), params);
        if (!/^(=|!=|<=?|>=?)$/.test(operator) || value === undefined) return null;
        predicates.push((record) => compare(read(record), operator, value(record)));
      }
      const join = words[0]?.toUpperCase();
      if (join !== 'AND' && join !== 'OR') break;
      joins.add(next().toUpperCase());
    } while (words.length > 0);
  }
  if (joins.size > 1) return null;
  let orderBy: Selection['orderBy'];
  if (take('ORDER', 'BY')) {
    const column = name(next());
    if (column === null) return null;
    orderBy = { column, descending: take('DESC') };
    take('ASC');
  }
  const limit = take('LIMIT') ? Number(next()) : undefined;
  if (words.length > 0 || Number.isNaN(limit)) return null;
  return {
    table,
    matches: (record) =>
      joins.has('OR')
        ? predicates.some((predicate) => predicate(record))
        : predicates.every((predicate) => predicate(record)),
    ...(orderBy === undefined ? {} : { orderBy }),
    ...(limit === undefined ? {} : { limit }),
  };
}

function operand(word: string, params: readonly unknown[]): ((record: GlideRecord) => unknown) | undefined {
  if (word.startsWith('"')) return (record) => record.cells[word.slice(1, -1)];
  if (word.startsWith("'")) return () => word.slice(1, -1);
  if (word.startsWith('$')) {
    const index = Number(word.slice(1)) - 1;
    return index < params.length ? () => params[index] : undefined;
  }
  return /^-?\d/.test(word) ? () => Number(word) : undefined;
}

function compare(left: unknown, operator: string, right: unknown): boolean {
  if (left === undefined || right === undefined || left === null || right === null) return false;
  if (operator === '=') return left === right;
  if (operator === '!=') return left !== right;
  const [a, b] = [left as number, right as number];
  if (operator === '<') return a < b;
  if (operator === '<=') return a <= b;
  return operator === '>' ? a > b : a >= b;
}
