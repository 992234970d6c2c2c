import { CloseRefusal, fieldError } from './close-refusal.ts';
import type { CloseKind } from './close-schema.ts';
import type { CloseRecord } from './close-store.ts';

export interface SearchRules {
  readonly now: () => number;
  /** Objects that one walk shows. */
  readonly cap: number;
  readonly mostFields: number;
  /** Whether a hit shows the record as it is now, or as the index has it. */
  readonly showsPresent: boolean;
  indexed(kind: CloseKind): readonly CloseRecord[];
  present(kind: CloseKind, id: string): CloseRecord | null;
}

interface Walk {
  readonly after: readonly [string, string];
  readonly count: number;
  readonly made: number;
  readonly query: string;
}

const OBJECTS: Readonly<Record<string, CloseKind>> = { lead: 'lead', contact: 'contact', opportunity: 'opportunity' };
const CURSOR_LIFE = 30_000;

type Node = Readonly<Record<string, unknown>>;
type Test = (record: CloseRecord) => boolean;

/** `POST /data/search/`, as far as its fact sheet goes; what that does not name is refused. */
export class CloseSearch {
  private readonly rules: SearchRules;
  private readonly walks = new Map<string, Walk>();
  private count = 0;

  constructor(rules: SearchRules) {
    this.rules = rules;
  }

  expireCursors(): void {
    this.walks.clear();
  }

  run(body: Node): unknown {
    const known = ['query', '_fields', 'sort', '_limit', 'cursor', 'include_counts', 'results_limit'];
    const strange = Object.keys(body).find((name) => !known.includes(name));
    if (strange !== undefined) throw fieldError(strange, 'Extra inputs are not permitted');
    const limit = body['_limit'] ?? 100;
    if (!Number.isInteger(limit) || Number(limit) < 1 || Number(limit) > 200)
      throw fieldError('_limit', 'Input should be less than or equal to 200');

    const query = body['query'] as Node;
    const object = objectOf(query);
    const kind = OBJECTS[object];
    if (kind === undefined) throw fieldError('query', 'Unknown object type.');
    const fields = (body['_fields'] as Readonly<Record<string, readonly string[]>> | undefined)?.[object] ?? ['id'];
    if (fields.length > this.rules.mostFields) throw fieldError('_fields', 'Too many fields.');

    const [sort] = (body['sort'] ?? []) as { direction: string; field: { field_name: string } }[];
    const column = sort?.field.field_name ?? 'date_created';
    if (sort !== undefined && !['asc', 'desc'].includes(sort.direction)) throw fieldError('sort', 'Unknown direction.');
    const sign = sort?.direction === 'desc' ? -1 : 1;

    const { cursor: token, ...rest } = body;
    const walk = this.walkOf(token, JSON.stringify(rest));
    const test = testOf(query);
    const place = (record: CloseRecord): [string, string] => [String(record[column]), record.id];
    const hits = this.rules
      .indexed(kind)
      .filter(test)
      .sort((a, b) => sign * compare(place(a), place(b)))
      .filter((record) => walk === undefined || sign * compare(place(record), walk.after) > 0);
    const page = hits.slice(0, Number(limit));
    const count = (walk?.count ?? 0) + page.length;
    const last = page.at(-1);
    let next: string | null = null;
    if (hits.length > page.length && last !== undefined) {
      this.count += 1;
      next = `cursor-${String(this.count)}`;
      this.walks.set(next, { after: place(last), count, made: this.rules.now(), query: JSON.stringify(rest) });
    }
    return {
      data: page.map((record) => this.show(kind, object, record, fields)),
      cursor: next,
      ...(body['include_counts'] ? { count: { limited: hits.length, total: hits.length } } : {}),
    };
  }

  private walkOf(token: unknown, query: string): Walk | undefined {
    if (token === null || token === undefined) return undefined;
    const walk = this.walks.get(token as string);
    if (walk === undefined || this.rules.now() - walk.made > CURSOR_LIFE) throw fieldError('cursor', 'Expired cursor');
    if (walk.query !== query) throw fieldError('cursor', 'Cursor of another query');
    if (walk.count >= this.rules.cap) throw fieldError('cursor', 'Too many objects');
    return walk;
  }

  private show(kind: CloseKind, object: string, hit: CloseRecord, fields: readonly string[]): unknown {
    const record = this.rules.showsPresent ? (this.rules.present(kind, hit.id) ?? hit) : hit;
    return { __object_type: object, ...only(record, ['id', ...fields]) };
  }
}

/** Of custom fields only those that hold a value are there at all. */
export function only(record: CloseRecord, fields: readonly string[]): Record<string, unknown> {
  const names = fields.flatMap((field) =>
    field === 'custom' ? Object.keys(record).filter((name) => name.startsWith('custom.')) : [field],
  );
  return Object.fromEntries(names.flatMap((name) => (record[name] === undefined ? [] : [[name, record[name]]])));
}

function compare([a, i]: readonly [string, string], [b, j]: readonly [string, string]): number {
  return a < b ? -1 : a > b ? 1 : i < j ? -1 : i > j ? 1 : 0;
}

function objectOf(query: Node | undefined): string {
  const nodes = query?.['type'] === 'and' ? (query['queries'] as Node[]) : [query ?? {}];
  const object = nodes.find(({ type }) => type === 'object_type')?.['object_type'];
  if (typeof object !== 'string') throw fieldError('query', 'An object type is required.');
  return object;
}

function testOf(node: Node): Test {
  switch (node['type']) {
    case 'and': {
      const tests = (node['queries'] as Node[]).map(testOf);
      return (record) => tests.every((test) => test(record));
    }
    case 'or': {
      const tests = (node['queries'] as Node[]).map(testOf);
      return (record) => tests.some((test) => test(record));
    }
    case 'object_type':
    case 'match_all':
      return () => true;
    case 'field_condition':
      return conditionOf(node['field'] as Node, node['condition'] as Node);
    default:
      throw fieldError('query', { type: `Unknown query type ${String(node['type'])}` });
  }
}

function conditionOf(field: Node, condition: Node): Test {
  const name =
    field['type'] === 'custom_field' ? `custom.${String(field['custom_field_id'])}` : String(field['field_name']);
  if (condition['type'] === 'moment_range') {
    const [from, to] = ['on_or_after', 'before'].map((end) => {
      const given = condition[end] as Node | undefined;
      if (given === undefined) return undefined;
      if (given['type'] !== 'fixed_utc' || Number.isNaN(Date.parse(String(given['value']))))
        throw fieldError('query', { [end]: 'Not a moment.' });
      return Date.parse(String(given['value']));
    });
    return (record) => {
      const time = Date.parse(String(record[name]));
      return (from === undefined || time >= from) && (to === undefined || time < to);
    };
  }
  if (condition['type'] === 'text' && condition['mode'] === 'exact_value') {
    // The index knows no upper case.
    const wanted = String(condition['value']).toLowerCase();
    return (record) => {
      const value = record[name];
      return typeof value === 'string' && value.toLowerCase() === wanted;
    };
  }
  throw fieldError('query', { condition: 'Unknown condition.' });
}

export interface Listed {
  readonly data: readonly Record<string, unknown>[];
  readonly has_more: boolean;
  readonly total_results: number;
}

const RANGES: Readonly<Record<CloseKind, readonly string[]>> = {
  lead: [],
  contact: [],
  opportunity: ['date_created', 'date_updated', 'date_won'],
  task: ['date', 'due_date', 'date_created', 'date_updated'],
  note: ['date_created', 'activity_at'],
  call: ['date_created', 'activity_at'],
  email: ['date_created', 'activity_at'],
};

/** A list by count. Without an order the latest change comes first, so a record that changes moves. */
export function listRecords(kind: CloseKind, all: readonly CloseRecord[], query: URLSearchParams): Listed {
  const number = (name: string, standard: number, most: number): number => {
    const value = Number(query.get(name) ?? standard);
    if (!Number.isInteger(value) || value < 0) throw fieldError(name, 'Input should be a valid integer');
    if (value > most) throw fieldError(name, `Input should be less than or equal to ${String(most)}`);
    return value;
  };
  const [limit, skip] = [number('_limit', 100, 200), number('_skip', 0, 35_000)];
  const tests: Test[] = [];
  for (const [name, value] of query) {
    if (['_limit', '_skip', '_fields', '_order_by', '_type', 'view', 'query'].includes(name)) continue;
    const [, column = '', way] = /^(\w+?)__(gte?|lte?)$/.exec(name) ?? [];
    if (['lead_id', 'user_id', 'contact_id'].includes(name) && (name === 'lead_id' || kind !== 'contact')) {
      tests.push((record) => record[name] === value);
    } else if (RANGES[kind].includes(column)) {
      const limitTime = Date.parse(value);
      if (Number.isNaN(limitTime)) throw fieldError(name, 'Input should be a valid datetime');
      tests.push((record) => {
        const time = Date.parse(String(record[column]));
        return way === 'gte'
          ? time >= limitTime
          : way === 'gt'
            ? time > limitTime
            : way === 'lte'
              ? time <= limitTime
              : time < limitTime;
      });
    } else throw fieldError(name, 'Unknown filter.');
  }
  const order = query.get('_order_by') ?? '-date_updated';
  const sign = order.startsWith('-') ? -1 : 1;
  const column = order.replace(/^-/, '');
  const rows = all
    .filter((record) => tests.every((test) => test(record)))
    .sort((a, b) => sign * compare([String(a[column]), a.id], [String(b[column]), b.id]));
  const fields = query.get('_fields')?.split(',');
  const page = rows.slice(skip, skip + limit);
  return {
    data: page.map((record) => (fields ? only(record, fields) : { ...record })),
    has_more: rows.length > skip + limit,
    total_results: rows.length,
  };
}

interface Timed {
  readonly date_updated: string;
}

/** The event log: newest first, at most 50, by cursors. */
export function listEvents<Event extends Timed & Readonly<Record<string, unknown>>>(
  all: readonly Event[],
  query: URLSearchParams,
  now: number,
): { data: readonly Event[]; cursor_next: string | null; cursor_previous: string | null } {
  const limit = Number(query.get('_limit') ?? 50);
  if (!(limit >= 1 && limit <= 50)) throw fieldError('_limit', 'Input should be less than or equal to 50');
  if (query.has('action') && !query.has('object_type'))
    throw new CloseRefusal(400, { error: 'This combination of filters is not supported.' });
  const month = new Date(now - 30 * 86_400_000).toISOString();
  const tests: ((event: Event) => boolean)[] = [({ date_updated: time }) => time >= month.slice(0, -1)];
  for (const [name, value] of query) {
    if (name === '_limit' || name === '_cursor') continue;
    const [, way] = /^date_updated__(gte?|lte?)$/.exec(name) ?? [];
    if (way !== undefined) {
      const limitTime = Date.parse(/(Z|[+-]\d\d:\d\d)$/.test(value) ? value : `${value}Z`);
      if (Number.isNaN(limitTime)) throw fieldError(name, 'Input should be a valid datetime');
      tests.push(({ date_updated: text }) => {
        const time = Date.parse(`${text}Z`);
        return way === 'gte'
          ? time >= limitTime
          : way === 'gt'
            ? time > limitTime
            : way === 'lte'
              ? time <= limitTime
              : time < limitTime;
      });
    } else if (['object_type', 'object_id', 'action', 'lead_id', 'user_id', 'request_id'].includes(name)) {
      tests.push((event) => event[name] === value);
    } else throw fieldError(name, 'Unknown filter.');
  }
  const found = all
    .filter((event) => tests.every((test) => test(event)))
    .sort((a, b) => -compare([a.date_updated, String(a['id'])], [b.date_updated, String(b['id'])]));
  const cursor = query.get('_cursor');
  const [, time = '', id = ''] = /^([^|]+)\|(.+)$/.exec(cursor ?? '') ?? [];
  if (cursor !== null && id === '') throw fieldError('_cursor', 'Invalid cursor');
  const rest =
    cursor === null
      ? found
      : found.filter((event) => compare([event.date_updated, String(event['id'])], [time, id]) < 0);
  const data = rest.slice(0, limit);
  const last = data.at(-1);
  return {
    data,
    cursor_next: rest.length > data.length && last ? `${last.date_updated}|${String(last['id'])}` : null,
    cursor_previous: data[0] ? `${data[0].date_updated}|${String(data[0]['id'])}` : null,
  };
}
