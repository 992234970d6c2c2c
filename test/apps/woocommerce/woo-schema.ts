import { readFileSync } from 'node:fs';
import { invalidParameter, WooRefusal } from './woo-refusal.ts';

interface Property {
  readonly type?: string | readonly string[];
  readonly enum?: readonly unknown[];
  readonly readonly?: boolean;
  readonly format?: string;
}

export interface Recorded {
  readonly schema_properties: Readonly<Record<string, Property>>;
  readonly list_args: Readonly<Record<string, Property & { readonly minimum?: number; readonly maximum?: number }>>;
  readonly create_required: readonly string[];
}

export interface RecordedCase {
  readonly case: string;
  readonly request: {
    readonly method: string;
    readonly path: string;
    readonly tls: boolean;
    readonly auth: string | null;
    readonly body: unknown;
  };
  readonly response: {
    readonly status: number;
    readonly headers: Readonly<Record<string, string>>;
    readonly body: unknown;
  };
}

const read = (name: string): unknown =>
  JSON.parse(readFileSync(new URL(`recorded/${name}.json`, import.meta.url), 'utf8')) as unknown;

/** What a real shop answered, case by case. */
export const CASES = (read('transcript') as { cases: readonly RecordedCase[] }).cases;

export function recordedAnswer(name: string): Record<string, unknown> {
  return structuredClone(CASES.find((one) => one.case === name)?.response.body ?? {}) as Record<string, unknown>;
}

export const SCHEMAS = {
  products: read('products') as Recorded,
  variations: read('products-variations') as Recorded,
  customers: read('customers') as Recorded,
  orders: read('orders') as Recorded,
  coupons: read('coupons') as Recorded,
  categories: read('products-categories') as Recorded,
  tags: read('products-tags') as Recorded,
  webhooks: read('webhooks') as Recorded,
} as const;

/** Requests for one record are checked by the schema; batches are not. */
export function checkBody(schema: Recorded, body: Readonly<Record<string, unknown>>, creating: boolean): void {
  const missing = creating ? schema.create_required.filter((name) => !(name in body)) : [];
  if (missing.length > 0) {
    throw new WooRefusal(400, 'rest_missing_callback_param', `Missing parameter(s): ${missing.join(', ')}`, {
      params: missing,
    });
  }
  for (const [name, value] of Object.entries(body)) {
    const property = schema.schema_properties[name];
    if (property === undefined || property.readonly) continue;
    if (!isOfType(property.type, value))
      throw invalidParameter(name, `${name} is not of type ${String(property.type)}.`, 'rest_invalid_type', {
        param: name,
      });
    if (property.enum && value !== null && !property.enum.includes(value))
      throw invalidParameter(name, `${name} is not one of ${property.enum.join(', ')}.`, 'rest_not_in_enum');
  }
}

export function checkQuery(schema: Recorded, query: URLSearchParams): void {
  for (const [name, text] of query) {
    const argument = schema.list_args[name];
    // What it does not know it ignores without a word.
    if (argument === undefined) continue;
    if (argument.type === 'integer') {
      const value = Number(text);
      const { minimum = -Infinity, maximum = Infinity } = argument;
      if (!Number.isInteger(value))
        throw invalidParameter(name, `${name} is not of type integer.`, 'rest_invalid_type');
      if (value < minimum || value > maximum)
        throw invalidParameter(
          name,
          `${name} must be between ${String(minimum)} (inclusive) and ${String(maximum)} (inclusive)`,
          'rest_out_of_bounds',
        );
    }
    if (argument.enum && !argument.enum.includes(text))
      throw invalidParameter(name, `${name} is not one of ${argument.enum.join(', ')}.`, 'rest_not_in_enum');
    if (/^(modified_)?(after|before)$/.test(name) && !/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(Z|[+-]\d\d:\d\d)?$/.test(text))
      throw invalidParameter(name, 'Invalid date.', 'rest_invalid_date');
  }
}

function isOfType(type: Property['type'], value: unknown): boolean {
  if (value === null || type === undefined) return true;
  if (typeof type !== 'string') return type.some((one) => isOfType(one, value));
  switch (type) {
    case 'string':
    case 'date-time':
      return typeof value === 'string';
    case 'integer':
      return Number.isInteger(typeof value === 'string' && value !== '' ? Number(value) : value);
    case 'number':
      return typeof value === 'number' || (typeof value === 'string' && value !== '' && !Number.isNaN(Number(value)));
    case 'boolean':
    case 'bool':
      return typeof value === 'boolean' || value === 'true' || value === 'false';
    case 'array':
      return Array.isArray(value);
    case 'object':
      return typeof value === 'object' && !Array.isArray(value);
    default:
      return true;
  }
}
