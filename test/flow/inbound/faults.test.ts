import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { waitFor } from '../../support/wait-for.ts';
import { useOutbound, type Stage } from '../outbound/stage.ts';
import { lastRun, runs } from './runs.ts';
import { ended, sync } from './sync.ts';

const flow = useOutbound();
const { pool } = flow;

const LIST = { method: 'GET', path: '/records' };

/** A hundred records on pages of forty, all read once, and polls by hand from there. */
async function begin(mapping: Record<string, unknown> = {}, settings: Record<string, unknown> = {}): Promise<Stage> {
  const stage = await flow.stage({
    direction: 'pull',
    app: { recordsPerPage: 200 },
    settings,
    mapping: { schedule: 'manual', sweep_schedule: 'manual', ...mapping },
  });
  for (let ref = 1; ref <= 30; ref += 1)
    stage.edit({ op: 'create', values: { ref, name: `item ${String(ref)}`, qty: ref } });
  return stage;
}

async function active(mapping = 'items'): Promise<void> {
  await waitFor(async () => {
    const { rows } = await pool.query(`select from tideway.mappings where name = $1 and state = 'active'`, [mapping]);
    expect(rows).toHaveLength(1);
  });
}

async function count(): Promise<number> {
  const { rows } = await pool.query<{ count: number }>('select count(*)::int as count from items');
  return rows[0]?.count ?? 0;
}

test('an error that passes is asked again, and the run completes', async () => {
  const stage = await begin();
  await flow.daemon();
  await active();
  stage.app.fail({ ...LIST, count: 3, with: { kind: 'status', status: 503 } });
  expect(await ended(pool, await sync(pool, 'full'))).toMatchObject({ status: 'completed', created: 30 });
});

test.each([
  [
    'a page that contradicts the total of the app',
    '{"records":[],"total":30,"now":"2026-01-01T00:00:00Z"}',
    'BAD_RESPONSE',
  ],
  ['a page of HTML', '<html>maintenance</html>', 'BAD_RESPONSE'],
])('%s is never "no rows"', async (_, body, code) => {
  const stage = await begin();
  await flow.daemon();
  await active();
  await ended(pool, await sync(pool, 'full'));
  expect(await count()).toBe(30);
  stage.app.fail({ ...LIST, count: 100, with: { kind: 'body', contentType: 'application/json', body } });
  const run = await ended(pool, await sync(pool, 'sweep'));
  expect(run).toMatchObject({ status: 'failed', deleted: 0, report: { code, class: 'API_ERROR' } });
  expect(String(run.report?.['error'])).toContain(code);
  expect(await count()).toBe(30);
  expect((await pool.query('select from tideway_private.deletions')).rowCount).toBe(0);
  // The next one works, and nothing of the failed one is left.
  stage.app.clearFaults();
  expect(await ended(pool, await sync(pool, 'sweep'))).toMatchObject({
    status: 'completed',
    processed: 30,
    deleted: 0,
  });
  expect((await pool.query('select from tideway_private.seen_pages')).rowCount).toBe(0);
});

test('a page that breaks off in the middle is read again', async () => {
  const stage = await begin();
  await flow.daemon();
  await active();
  stage.app.fail({ ...LIST, with: { kind: 'truncate' } });
  stage.app.fail({ ...LIST, with: { kind: 'truncate', clean: true } });
  expect(await ended(pool, await sync(pool, 'full'))).toMatchObject({ status: 'completed', created: 30, failed: 0 });
});

test('a secret that the app refuses pauses the connection instead of hammering it', async () => {
  const stage = await begin({ schedule: '1 s' });
  await flow.daemon();
  await waitFor(async () => expect(await count()).toBe(30));
  stage.app.setToken('another');
  await waitFor(async () => {
    const { rows } = await pool.query(`select state from tideway.connections`);
    expect(rows).toEqual([{ state: 'unauthorized' }]);
  });
  const asked = stage.app.requests().length;
  const before = (await runs(pool)).length;
  const { rows } = await pool.query<{ run: string }>(`select tideway.sync_now('items') as run`);
  await flow.followed();
  expect(stage.app.requests().length).toBeLessThanOrEqual(asked + 1);
  expect((await runs(pool)).length).toBe(before + 1);
  // What was asked for meanwhile is done once the secret is good again.
  stage.app.setToken('plain-token');
  await pool.query(`select tideway.resume_connection('items')`);
  expect(await ended(pool, rows[0]?.run ?? '')).toMatchObject({ status: 'completed' });
});

test('a place that the app has forgotten means reading everything again, in the same run', async () => {
  // Reads of changes look back no further than they must, so that what is read shows that it was everything.
  const stage = await begin({}, { overlap: 1 });
  await flow.daemon();
  await active();
  await ended(pool, await sync(pool, 'full'));
  const id = stage.record(1)?.id ?? '';
  stage.edit({ op: 'update', id, values: { qty: 100 } });
  stage.app.fail({
    ...LIST,
    with: {
      kind: 'status',
      status: 410,
      body: '{"error":{"code":"cursor_expired","message":"The cursor is no longer known."}}',
    },
  });
  const asked = stage.app.requests().length;
  const run = await ended(pool, await sync(pool, 'delta'));
  expect(run).toMatchObject({ kind: 'delta', status: 'completed', processed: 30, updated: 1 });
  // The place is not asked for again: it is gone.
  expect(stage.app.requests().slice(asked)).toHaveLength(2);
});

test('one mapping that fails, and one app that is dead, stop nobody else', async () => {
  const good = await begin({ schedule: '1 s' });
  const bad = await flow.stage({ name: 'others', direction: 'pull', mapping: { schedule: '1 s' } });
  bad.app.fail({ count: 10_000, with: { kind: 'reset' } });
  await pool.query(`create table broken (id integer primary key, name text)`);
  await pool.query(
    `select tideway.map('broken', 'items', 'items', 'broken'::regclass, '[{"local": "id", "remote": "ref", "type": "number"}, {"local": "name", "remote": "name"}]'::jsonb,
                        direction => 'pull', options => '{"schedule": "1 s", "filter": {"remote": "no such thing"}}')`,
  );
  await pool.query(`select tideway.activate('broken')`);
  await flow.daemon();
  await waitFor(async () =>
    expect(await lastRun(pool, undefined, 'broken')).toMatchObject({
      status: 'failed',
      report: { code: 'SETTINGS_INVALID' },
    }),
  );
  good.edit({ op: 'create', values: { ref: 31, name: 'late', qty: 31 } });
  await waitFor(async () => expect(await count()).toBe(31));
});

test('a server without room fails the read in words, costs no row and nobody else anything, and what was read comes later', async () => {
  const stage = await begin({ schedule: '1 s' });
  await pool.query(`create table others (id integer primary key, qty integer)`);
  await pool.query(
    `select tideway.map('others', 'items', 'items', 'others'::regclass, '[{"local": "id", "remote": "ref", "type": "number"}, {"local": "qty", "remote": "qty", "type": "number"}]'::jsonb,
                        direction => 'pull', options => '{"schedule": "1 s"}')`,
  );
  await pool.query(`select tideway.activate('others')`);
  const daemon = await flow.daemon();
  await waitFor(async () => expect(await count()).toBe(30));
  await pool.query(`
    create function full_disk() returns trigger language plpgsql as $$
    begin
      if new.id = 1 then raise exception 'could not extend file: No space left on device' using errcode = '53100', hint = 'Check free disk space.'; end if;
      return new;
    end $$;
    create trigger full_disk before update on items for each row execute function full_disk()`);
  for (const ref of [1, 2]) stage.edit({ op: 'update', id: stage.record(ref)?.id ?? '', values: { qty: 100 } });
  const failed = await waitFor(async () => (await runs(pool)).find(({ status }) => status === 'failed') ?? false);
  expect(failed).toMatchObject({
    kind: 'delta',
    updated: 0,
    failed: 0,
    report: { code: 'DATABASE_TROUBLE', class: 'DATABASE_ERROR' },
  });
  expect(String(failed.report?.['error'])).toContain('No space left on device (Check free disk space)');
  await waitFor(async () =>
    expect((await pool.query('select id from others where qty = 100 order by id')).rows).toEqual([
      { id: 1 },
      { id: 2 },
    ]),
  );
  expect((await pool.query('select from tideway.sync_errors')).rowCount).toBe(0);
  await pool.query('drop trigger full_disk on items');
  await waitFor(async () =>
    expect((await pool.query('select id from items where qty = 100 order by id')).rows).toEqual([{ id: 1 }, { id: 2 }]),
  );
  expect(daemon.log()).not.toContain('daemon.connection.failed');
});

test('an error of the database that nobody foresaw interrupts the read, and another one follows', async () => {
  await begin({ schedule: '1 s' });
  await pool.query(`
    create sequence met;
    create function meet() returns trigger language plpgsql as $$
    begin
      if new.rows_processed > old.rows_processed and nextval('public.met') = 1 then raise exception 'unforeseen' using errcode = 'XX000'; end if;
      return new;
    end $$;
    grant usage on sequence met to tideway_daemon;
    create trigger meet before update on tideway.sync_runs for each row execute function meet()`);
  try {
    await flow.daemon();
    await waitFor(async () => expect(await count()).toBe(30));
    await waitFor(async () => expect((await runs(pool))[1]).toMatchObject({ status: 'completed' }));
    const [first, second] = await runs(pool);
    expect(first).toMatchObject({ status: 'interrupted', report: { error: 'unforeseen' } });
    expect(second).toMatchObject({ kind: 'full', status: 'completed', created: 30 });
  } finally {
    await pool.query('drop trigger meet on tideway.sync_runs; drop function meet(); drop sequence met');
  }
});

test('records at one modified time, and one that shows late, are all there in the end', async () => {
  // Modified times of a whole second, and writes that show after half of one.
  const stage = await flow.stage({
    direction: 'pull',
    app: { granularity: 1_000, visibleAfter: 500 },
    settings: { overlap: 3_000 },
    mapping: { schedule: '1 s' },
  });
  await flow.daemon();
  for (let ref = 1; ref <= 300; ref += 1) {
    stage.edit({ op: 'create', values: { ref, name: 'tie', qty: ref } });
    if (ref % 50 === 0) await waitFor(async () => expect(await count()).toBeGreaterThanOrEqual(ref - 50));
  }
  await waitFor(async () => expect(await count()).toBe(300));
});

test('a failed read is told to the notification URL, once while it lasts', async () => {
  const told: Record<string, unknown>[] = [];
  const hook = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      told.push(JSON.parse(Buffer.concat(chunks).toString()) as Record<string, unknown>);
      response.writeHead(204).end();
    });
  });
  await new Promise<void>((done) => hook.listen(0, '127.0.0.1', done));
  try {
    const stage = await begin();
    const { port } = hook.address() as AddressInfo;
    await flow.daemon({ TIDEWAY_NOTIFY_URL: `http://127.0.0.1:${String(port)}/hook` });
    await active();
    stage.app.fail({ ...LIST, count: 2, with: { kind: 'status', status: 404 } });
    const run = await sync(pool, 'full');
    await ended(pool, run);
    await ended(pool, await sync(pool, 'full'));
    await ended(pool, await sync(pool, 'full'));
    await waitFor(() => expect(told).toHaveLength(1));
    expect(told[0]).toMatchObject({ event: 'run_failed', mapping: 'items', kind: 'full', run });
    expect(JSON.stringify(told)).not.toContain('plain-token');
  } finally {
    hook.closeAllConnections();
    hook.close();
  }
});
