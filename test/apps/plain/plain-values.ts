/** A value as the app keeps it. Numbers are kept as their decimal text, so that none is rounded unasked. */
export type PlainValue = null | boolean | string | { readonly number: string } | { readonly json: unknown };
export type PlainValues = Readonly<Record<string, PlainValue>>;

export interface PlainColumn {
  readonly id: string;
  readonly title?: string;
  readonly type: 'text' | 'number' | 'boolean' | 'date' | 'datetime' | 'json';
  readonly required?: boolean;
  readonly maxLength?: number;
  /** What the app does to a value that it accepts, as apps do. */
  readonly normalise?: 'trim' | 'lower' | 'round' | 'seconds';
  /** Makes the column read-only. */
  readonly computed?: (values: PlainValues) => PlainValue;
}

/** Why the app refuses a value. */
export class Refusal {
  readonly code: string;
  readonly message: string;
  readonly column: string | undefined;

  constructor(code: string, message: string, column?: string) {
    this.code = code;
    this.message = message;
    this.column = column;
  }
}

/** Checks a value off the wire against its column, and keeps it the way the app would. */
export function accept(column: PlainColumn, value: unknown): PlainValue | Refusal {
  if (column.computed) return new Refusal('read_only', `Column "${column.id}" is computed.`, column.id);
  if (value === null) {
    return column.required ? new Refusal('required', `Column "${column.id}" needs a value.`, column.id) : null;
  }
  const kept = check(column, value);
  if (kept === undefined) {
    return new Refusal('wrong_type', `Column "${column.id}" takes ${column.type}.`, column.id);
  }
  if (typeof kept === 'string' && column.maxLength !== undefined && kept.length > column.maxLength) {
    return new Refusal('too_long', `Column "${column.id}" takes ${String(column.maxLength)} characters.`, column.id);
  }
  return normalise(column, kept);
}

function check(column: PlainColumn, value: unknown): PlainValue | undefined {
  switch (column.type) {
    case 'text':
      return typeof value === 'string' ? value : undefined;
    case 'boolean':
      return typeof value === 'boolean' ? value : undefined;
    case 'number': {
      const text = typeof value === 'number' ? String(value) : value;
      return typeof text === 'string' && /^-?\d{1,100}(\.\d{1,100})?$/.test(text)
        ? { number: canonical(text) }
        : undefined;
    }
    case 'date':
      return typeof value === 'string' && isDate(value) ? value : undefined;
    case 'datetime': {
      const zoned =
        typeof value === 'string' && /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d)$/.test(value);
      const time = zoned ? Date.parse(value) : NaN;
      return Number.isNaN(time) ? undefined : new Date(time).toISOString();
    }
    case 'json':
      return { json: value };
  }
}

function isDate(text: string): boolean {
  if (!/^\d{4}-\d\d-\d\d$/.test(text)) return false;
  const time = Date.parse(`${text}T00:00:00Z`);
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(text);
}

function normalise(column: PlainColumn, value: PlainValue): PlainValue {
  if (typeof value === 'string') {
    if (column.normalise === 'trim') return value.trim();
    if (column.normalise === 'lower') return value.toLowerCase();
    if (column.normalise === 'seconds') return `${value.slice(0, 19)}.000Z`;
  }
  if (column.normalise === 'round' && value !== null && typeof value === 'object' && 'number' in value) {
    return { number: canonical(Number(value.number).toFixed(2)) };
  }
  return value;
}

/** One text for one number: 1.50 and 01.5 are both 1.5. */
function canonical(text: string): string {
  const [, sign = '', whole = '0', fraction = ''] = /^(-?)0*(\d+?)(?:\.(\d*?)0*)?$/.exec(text) ?? [];
  const plain = fraction === '' ? whole : `${whole}.${fraction}`;
  return plain === '0' ? '0' : sign + plain;
}

const MARK = '\u0001raw:';

/** JSON with every number of a number column written digit by digit. */
export function toWire(body: unknown): string {
  const text = JSON.stringify(body, (_name, value: unknown) => {
    if (typeof value !== 'object' || value === null || Object.keys(value).length !== 1) return value;
    if ('number' in value) return MARK + String(value.number);
    return 'json' in value ? MARK + JSON.stringify(value.json) : value;
  });
  return text.replaceAll(/"\\u0001raw:((?:[^"\\]|\\.)*)"/g, (_all, raw: string) => JSON.parse(`"${raw}"`) as string);
}
