import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { waitFor } from '../../support/wait-for.ts';
import { useOutbound } from '../outbound/stage.ts';
import { doorOf } from './door.ts';

const flow = useOutbound();
const { pool } = flow;

interface Page {
  readonly data: readonly { readonly id: number; readonly name: string | null; readonly qty: number | null }[];
  readonly next: string | null;
}

async function useReads(rows = 5) {
  await pool.query(`create table items (id integer primary key, name text, qty integer);
                    insert into items select n, 'item ' || n, n * 10 from generate_series(1, ${String(rows)}) n`);
  await flow.stage({
    direction: 'pull',
    mapping: { schedule: '1 h', read: { name: 'stock', key: 'name', ttl: '1 h' } },
  });
  const daemon = await flow.daemon();
  const door = doorOf(daemon);
  const get = (path: string, headers: Record<string, string> = {}) => fetch(`${door}/read/${path}`, { headers });
  const page = async (path: string) => (await (await get(path)).json()) as Page;
  /** Resolves once an answer is served from memory. */
  const warm = (path: string) =>
    waitFor(async () => expect((await get(path)).headers.get('x-cache')).toBe('hit'), { within: 20_000 });
  await flow.followed();
  return { door, get, page, warm };
}

test('rows are served from memory until they change, and never after', async () => {
  const { page, warm, get } = await useReads();
  await warm('stock');
  expect((await page('stock')).data).toHaveLength(5);
  for (let qty = 100; qty < 110; qty++) {
    await pool.query(`update items set qty = $1 where id = 1`, [qty]);
    await waitFor(async () => expect((await page('stock')).data[0]?.qty).toBe(qty), { within: 2_000 });
    await warm('stock');
    expect((await page('stock')).data[0]?.qty).toBe(qty);
  }
  await pool.query('truncate items');
  await waitFor(async () => expect((await page('stock')).data).toEqual([]), { within: 2_000 });
  const before = await get('stock');
  const etag = before.headers.get('etag') ?? '';
  expect((await get('stock', { 'if-none-match': etag })).status).toBe(304);
});

test('a transaction that is in the log before a look shows it is not forgotten', async () => {
  const { page, warm } = await useReads();
  await warm('stock');
  // As if the follower had stored the change while the transaction was still about to show.
  const writer = await pool.connect();
  try {
    await writer.query('begin');
    await writer.query('update items set qty = 77 where id = 1');
    await pool.query(
      `select tideway_private.bump_reads(array['items'::regclass::oid],
         array[(select backend_xid::text::bigint from pg_stat_activity where pid = $1)])`,
      [(await writer.query<{ pid: number }>('select pg_backend_pid() as pid')).rows[0]?.pid],
    );
    expect((await page('stock')).data[0]?.qty).toBe(10);
    const { rows } = await pool.query(`select is_settled from tideway_private.read_state('stock', 'default', $1)`, [
      flow.slot,
    ]);
    expect(rows).toEqual([{ is_settled: false }]);
    await writer.query('commit');
  } finally {
    writer.release();
  }
  await waitFor(async () => expect((await page('stock')).data[0]?.qty).toBe(77));
});

test('one row by key, filters, pages in the order of the key', async () => {
  const { get, page, door } = await useReads(7);
  expect(await (await get('stock/item%203')).json()).toEqual({ id: 3, name: 'item 3', qty: 30 });
  expect((await get('stock/nobody')).status).toBe(404);
  expect((await page('stock?qty=gte.50&name=neq.item%206')).data.map(({ id }) => id)).toEqual([5, 7]);
  expect((await page('stock?name=like.*3')).data.map(({ id }) => id)).toEqual([3]);
  const seen: number[] = [];
  for (
    let next: string | null = '', path = 'stock?limit=3';
    next !== null;
    path = `stock?limit=3&after=${String(next)}`
  ) {
    const one: Page = await page(path);
    seen.push(...one.data.map(({ id }) => id));
    next = one.next;
  }
  expect(seen).toEqual([1, 2, 3, 4, 5, 6, 7]);
  const wrong = await get('stock?colour=red');
  expect([wrong.status, await wrong.json()]).toMatchObject([
    400,
    { code: 'TWARG', mend: 'Filter by one of: id, name, qty.' },
  ]);
  expect((await get('stock?qty=many')).status).toBe(400);
  expect((await get(`stock?name=${encodeURIComponent("x'; drop table items; --")}`)).status).toBe(200);
  expect((await get('stock?limit=0')).status).toBe(400);
  expect((await get('nothing')).status).toBe(404);
  expect((await (await fetch(`${door}/functions/v1/stock`)).json()) as Page).toMatchObject({ next: null });
  const passedOn = await get('stock', { 'x-forwarded-for': '203.0.113.9' });
  expect(passedOn.status).toBe(401);
});

test('invalidating reads again, by HTTP and by SQL', async () => {
  const { door, get, warm } = await useReads();
  await warm('stock');
  const answer = await fetch(`${door}/read/invalidate-cache`, { method: 'POST' });
  expect(await answer.json()).toEqual({ success: true, invalidated: 1 });
  expect((await get('stock')).headers.get('x-cache')).toBe('miss');
  await warm('stock');
  await pool.query(`select tideway.invalidate_cache('stock')`);
  await waitFor(async () => expect((await get('stock')).headers.get('x-cache')).toBe('miss'));
  expect((await pool.query(`select from tideway_private.requests`)).rowCount).toBe(0);
  expect(await (await get('cache-stats')).json()).toMatchObject({ entries: 1, by_name: { stock: 1 } });
});

test('from elsewhere a token is wanted; it looks or operates for its own organisation, until it is revoked', async () => {
  const { door } = await useReads();
  const token = async (sql: string) =>
    (await pool.query<{ token: string }>(`select ${sql} as token`)).rows[0]?.token ?? '';
  const reader = await token(`tideway.create_api_token('front')`);
  const operator = await token(`tideway.create_api_token('back', role => 'tideway_operator')`);
  await pool.query(`insert into tideway.organisations (org_id) values ('other')`);
  const other = await token(`tideway.create_api_token('front', org_id => 'other')`);
  const system = await token(`tideway.create_api_token('prometheus', null)`);
  const call = async (path: string, bearer: string, method = 'GET') =>
    (
      await fetch(`${door}${path}`, {
        method,
        headers: { 'x-forwarded-for': '203.0.113.9', authorization: `Bearer ${bearer}` },
      })
    ).status;
  try {
    expect(await call('/read/stock', reader)).toBe(200);
    expect(await call('/read/stock', `tw_${'0'.repeat(64)}`)).toBe(401);
    expect(await call('/read/stock', other)).toBe(404);
    // Its labels name the mappings of all organisations.
    expect(await call('/metrics', reader)).toBe(403);
    expect(await call('/metrics', system)).toBe(200);
    expect(await call('/read/stock/invalidate-cache', reader, 'POST')).toBe(403);
    expect(await call('/read/stock/invalidate-cache', other, 'POST')).toBe(403);
    expect(await call('/read/stock/invalidate-cache', operator, 'POST')).toBe(200);
    const { rows } = await pool.query(`select to_jsonb(t)::text as row from tideway_private.api_tokens t`);
    expect(JSON.stringify(rows)).not.toContain(reader.slice(3));
    await pool.query(`set tideway.org_id = 'default'; select tideway.revoke_api_token('front'); reset tideway.org_id`);
    await waitFor(async () => expect(await call('/read/stock', reader)).toBe(401), { within: 10_000 });
  } finally {
    await pool.query(`truncate tideway_private.api_tokens; delete from tideway.organisations where org_id = 'other'`);
  }
});

test('what the option invalidate names is told when the app changed rows: caches of other tables, and URLs', async () => {
  const told: unknown[] = [];
  const hook = createServer((request, response) => {
    let text = '';
    request.on('data', (chunk: Buffer) => (text += chunk.toString()));
    request.on('end', () => {
      told.push([request.method, request.url, JSON.parse(text)]);
      // The first one is lost: it is told again.
      response.writeHead(told.length === 1 ? 503 : 204).end();
    });
  });
  await new Promise<void>((done) => hook.listen(0, '127.0.0.1', done));
  try {
    const url = `http://127.0.0.1:${String((hook.address() as AddressInfo).port)}/clear?key=s3cret`;
    await flow.stage({
      name: 'summary',
      direction: 'pull',
      mapping: { schedule: 'manual', read: { name: 'summary', key: 'id' } },
    });
    const stage = await flow.stage({
      direction: 'pull',
      mapping: { schedule: '1 s', invalidate: ['summary', url] },
    });
    const daemon = await flow.daemon();
    const cache = async () => (await fetch(`${doorOf(daemon)}/read/summary`)).headers.get('x-cache');
    await flow.followed();
    await waitFor(async () => expect(await cache()).toBe('hit'), { within: 20_000 });
    stage.edit({ op: 'create', values: { ref: 1, name: 'new', qty: 1 } });
    await stage.holds([[1, 'new', 1]]);
    expect(await cache()).toBe('miss');
    const call = ['POST', '/clear?key=s3cret', { event: 'rows_changed', mappings: ['items'] }];
    await waitFor(() => expect(told).toEqual([call, call]));
    expect(daemon.log()).not.toContain('s3cret');
  } finally {
    hook.closeAllConnections();
    hook.close();
  }
});

test.each([
  ['a number', 7],
  ['no URL', 'ftp://cache'],
  ['a list with something else', ['vehicles', {}]],
])('invalidate refuses %s', async (_what, invalidate) => {
  await expect(flow.stage({ direction: 'pull', mapping: { invalidate } })).rejects.toMatchObject({
    code: 'TWOPT',
    detail: expect.stringContaining('names of read caches and http(s) URLs') as string,
  });
});
