/** What a search can look at in one record. */
export type IndexDocument = Readonly<Record<string, string | number | boolean | readonly string[] | null>>;

export interface SearchWarning {
  readonly field: string;
  readonly message: string;
  readonly code: string;
}

type Test = (document: IndexDocument) => boolean;

/** The shop's search language: what it does not understand it leaves out, answers with more, and only warns. */
export function parseSearch(query: string, fields: readonly string[]): { test: Test; warnings: SearchWarning[] } {
  const tokens = [
    ...query.matchAll(
      /\(|\)|\b(?:AND|OR)\b|[\w.$-]+:(?:>=|<=|>|<)?(?:'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*"|[^\s()]+)|[^\s()]+/g,
    ),
  ].map(([token]) => token);
  const warnings: SearchWarning[] = [];
  let at = 0;
  const either = (): Test => {
    let left = both();
    while (tokens[at] === 'OR') {
      at += 1;
      const [a, b] = [left, both()];
      left = (document) => a(document) || b(document);
    }
    return left;
  };
  const both = (): Test => {
    let left = single();
    while (at < tokens.length && tokens[at] !== ')' && tokens[at] !== 'OR') {
      if (tokens[at] === 'AND') at += 1;
      const [a, b] = [left, single()];
      left = (document) => a(document) && b(document);
    }
    return left;
  };
  const single = (): Test => {
    const token = tokens[at] ?? '';
    at += 1;
    if (token === '(') {
      const inner = either();
      at += 1;
      return inner;
    }
    return term(token, fields, warnings);
  };
  const test = tokens.length === 0 ? () => true : either();
  return { test, warnings };
}

function term(token: string, fields: readonly string[], warnings: SearchWarning[]): Test {
  const [, name, operator = '', value = ''] = /^([\w.$-]+):(>=|<=|>|<)?(.*)$/s.exec(token) ?? [];
  if (name === undefined) {
    return (document) => Object.values(document).some((one) => String(one).toLowerCase().includes(token.toLowerCase()));
  }
  if (!fields.includes(name) && !name.startsWith('metafields.')) {
    warnings.push({ field: name, message: `Invalid search field for this query.`, code: 'invalid_field' });
    return () => true;
  }
  const quoted = /^['"]/.test(value);
  const wanted = quoted ? value.slice(1, -1).replace(/\\(.)/g, '$1') : value;
  if (name.endsWith('_at')) {
    if (!quoted && wanted.includes(':')) {
      warnings.push({ field: name, message: `Input \`${wanted}\` is not a valid timestamp.`, code: 'invalid_value' });
      return () => true;
    }
    const time = Date.parse(wanted);
    if (Number.isNaN(time)) {
      warnings.push({ field: name, message: `Input \`${wanted}\` is not a valid timestamp.`, code: 'invalid_value' });
      return () => true;
    }
    return (document) => compare(Date.parse(String(document[name])), operator, time);
  }
  if (operator !== '') return (document) => compare(Number(document[name]), operator, Number(wanted));
  return (document) => {
    const value = document[name];
    const held = Array.isArray(value) ? (value as string[]) : [String(value ?? '')];
    // Words are found inside longer texts, whatever their case.
    return held.some((one) =>
      name === 'title' || name === 'vendor'
        ? one.toLowerCase().includes(wanted.toLowerCase())
        : one.toLowerCase() === wanted.toLowerCase(),
    );
  };
}

function compare(a: number, operator: string, b: number): boolean {
  if (operator === '>=') return a >= b;
  if (operator === '<=') return a <= b;
  if (operator === '>') return a > b;
  return operator === '<' ? a < b : a === b;
}
