import type { AirtableRow, AirtableStandInTable } from './airtable-app.ts';

type Value = string | number | boolean | null;

/** The part of the formula language that the stand-in knows; anything else is refused, as a wrong formula is. */
export function compileFormula(formula: string, table: AirtableStandInTable): (row: AirtableRow) => boolean {
  const tokens = [
    ...formula.matchAll(
      /\s*('(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*"|\{(?:\\.|[^}\\])*\}|[A-Z_]+(?=\()|<=|>=|!=|[(),=<>]|-?\d+(?:\.\d+)?)\s*/gy,
    ),
  ];
  if (tokens.map(([all]) => all).join('') !== formula) throw new Error('it holds something unknown');
  const words = tokens.map(([, word = '']) => word);
  let at = 0;
  const take = (wanted?: string): string => {
    const word = words[at];
    if (word === undefined || (wanted !== undefined && word !== wanted))
      throw new Error(`expected ${wanted ?? 'more'} at ${String(at)}`);
    at += 1;
    return word;
  };
  type Node = (row: AirtableRow) => Value;

  const operand = (): Node => {
    const word = take();
    if (word.startsWith("'") || word.startsWith('"')) {
      const text = word
        .slice(1, -1)
        .replaceAll(/\\(.)/g, (_, sign: string) => ({ n: '\n', r: '\r', t: '\t' })[sign] ?? sign);
      return () => text;
    }
    if (word.startsWith('{')) {
      const name = word.slice(1, -1).replaceAll(/\\(.)/g, '$1');
      const field = table.fields.find((one) => one.name === name);
      if (field === undefined) throw new Error(`Unknown field names: ${name}`);
      return (row) => (row.fields[field.id] ?? null) as Value;
    }
    if (/^-?\d/.test(word)) return () => Number(word);
    take('(');
    const given: Node[] = [];
    while (words[at] !== ')') {
      given.push(expression());
      if (words[at] === ',') take(',');
    }
    take(')');
    const [first, second] = given;
    switch (word) {
      case 'RECORD_ID':
        return (row) => row.id;
      case 'CREATED_TIME':
        return (row) => row.createdTime;
      case 'LAST_MODIFIED_TIME':
        return (row) => row.modifiedTime;
      case 'IS_AFTER':
        return (row) => Date.parse(String(first?.(row))) > Date.parse(String(second?.(row)));
      case 'AND':
        return (row) => given.every((part) => Boolean(part(row)));
      case 'OR':
        return (row) => given.some((part) => Boolean(part(row)));
      case 'NOT':
        return (row) => !first?.(row);
      default:
        throw new Error(`Unknown function: ${word}`);
    }
  };
  const expression = (): Node => {
    const left = operand();
    const sign = words[at] ?? '';
    if (!['=', '!=', '<', '>', '<=', '>='].includes(sign)) return left;
    take();
    const right = operand();
    return (row) => {
      const [a, b] = [left(row) ?? '', right(row) ?? ''];
      if (sign === '=') return a === b;
      if (sign === '!=') return a !== b;
      return sign === '<' ? a < b : sign === '>' ? a > b : sign === '<=' ? a <= b : a >= b;
    };
  };
  const whole = expression();
  if (at !== words.length) throw new Error('something follows the end');
  return (row) => {
    const result = whole(row);
    return result !== false && result !== 0 && result !== '' && result !== null;
  };
}
