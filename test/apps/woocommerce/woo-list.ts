import type { Recorded } from './woo-schema.ts';
import { checkQuery } from './woo-schema.ts';
import type { WooKind, WooRecord } from './woo-store.ts';

const SITE_OFFSET = -5 * 3_600_000;
const POSTS: ReadonlySet<WooKind> = new Set(['products', 'variations', 'orders', 'coupons']);

export interface Listed {
  readonly rows: readonly WooRecord[];
  readonly total: number;
}

/** One page of a list, by the parameters that the shop knows for it; all others it ignores. */
export function listRecords(
  kind: WooKind,
  schema: Recorded,
  all: readonly WooRecord[],
  query: URLSearchParams,
): Listed {
  checkQuery(schema, query);
  const perPage = Number(query.get('per_page') ?? 10);
  const from = query.has('offset') ? Number(query.get('offset')) : (Number(query.get('page') ?? 1) - 1) * perPage;
  const rows = all.filter((record) => matches(kind, record, query)).sort(order(kind, query));
  return { rows: rows.slice(from, from + perPage), total: rows.length };
}

function matches(kind: WooKind, record: WooRecord, query: URLSearchParams): boolean {
  const text = (name: string): string | null => query.get(name);
  const is = (name: string): boolean =>
    text(name) === null || String(record[name]).toLowerCase() === text(name)?.toLowerCase();
  // A list comes with commas, or as name[0], name[1] …
  const ids = (name: string): number[] =>
    [...query]
      .filter(([key]) => key === name || key.startsWith(`${name}[`))
      .flatMap(([, value]) => value.split(',').filter(Boolean).map(Number));
  if ([...query.keys()].some((key) => /^include(\[|$)/.test(key)) && !ids('include').includes(record.id)) return false;
  if (ids('exclude').includes(record.id)) return false;
  if (POSTS.has(kind)) {
    const status = text('status') ?? 'any';
    if (status === 'any' ? record['status'] === 'trash' : record['status'] !== status) return false;
    if (!dated(record, query)) return false;
  }
  if (kind === 'customers') {
    const role = text('role') ?? 'customer';
    if (role !== 'all' && record['role'] !== role) return false;
    if (!is('email')) return false;
  }
  if (kind === 'products') {
    const skus = text('sku')?.toLowerCase().split(',');
    if (skus && !skus.includes(String(record['sku']).toLowerCase())) return false;
    const search = text('search')?.toLowerCase();
    if (
      search !== undefined &&
      !`${String(record['name'])} ${String(record['description'])}`.toLowerCase().includes(search)
    )
      return false;
    if (!is('slug') || !is('type')) return false;
  }
  if (kind === 'coupons' && !is('code')) return false;
  return (kind !== 'categories' && kind !== 'tags') || is('slug');
}

/** As the shop does it: a zoned time together with dates_are_gmt is taken for the site's, which is wrong. */
function dated(record: WooRecord, query: URLSearchParams): boolean {
  const gmt = query.get('dates_are_gmt') === 'true';
  const column = gmt ? 'date_modified_gmt' : 'date_modified';
  const limit = (name: string): string | undefined => {
    const text = query.get(name);
    if (text === null) return undefined;
    if (!/(Z|[+-]\d\d:\d\d)$/.test(text)) return text;
    return new Date(Date.parse(text) + SITE_OFFSET).toISOString().slice(0, 19);
  };
  const [after, before] = [limit('modified_after'), limit('modified_before')];
  const value = String(record[column]);
  return (after === undefined || value > after) && (before === undefined || value < before);
}

function order(kind: WooKind, query: URLSearchParams): (a: WooRecord, b: WooRecord) => number {
  const isTerm = kind === 'categories' || kind === 'tags' || kind === 'customers';
  const by = query.get('orderby') ?? (isTerm ? 'name' : 'date');
  const sign = (query.get('order') ?? (isTerm ? 'asc' : 'desc')) === 'asc' ? 1 : -1;
  const column =
    {
      id: 'id',
      modified: 'date_modified_gmt',
      date: 'date_created_gmt',
      name: kind === 'customers' ? 'username' : 'name',
    }[by] ?? 'id';
  return (a, b) => {
    const [left, right] = [a[column] as string | number, b[column] as string | number];
    return sign * (left < right ? -1 : left > right ? 1 : a.id - b.id);
  };
}
