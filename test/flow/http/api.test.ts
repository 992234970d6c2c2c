import { randomUUID } from 'node:crypto';
import { connect } from 'node:net';
import pg from 'pg';
import { beforeAll, expect, test } from 'vitest';
import { useDatabase } from '../../support/database.ts';
import { waitFor } from '../../support/wait-for.ts';
import { useOutbound, type Stage } from '../outbound/stage.ts';
import { asker, jwt, tokens, type Json } from './caller.ts';
import { doorOf } from './door.ts';

const flow = useOutbound(useDatabase(), { shared: true });
const { pool } = flow;
const token = tokens(pool);
const SECRET = randomUUID() + randomUUID();
let door: string;
let ask: ReturnType<typeof asker>;

// There are two organisations; the tests' own statements work in the first.
pool.on('connect', (session) => void session.query(`set tideway.org_id = 'default'`));

beforeAll(async () => {
  await pool.query(`insert into tideway.organisations (org_id) values ('other')`);
  door = doorOf(await flow.daemon({ TIDEWAY_JWT_SECRET: SECRET }));
  ask = asker(door, await token('programs', 'tideway_operator', 'default'));
});

/** A table of the test's own that is read when it is asked for only. */
async function begin(name: string, mapping: Record<string, unknown> = {}): Promise<Stage> {
  const stage = await flow.stage({
    name,
    direction: 'pull',
    mapping: { schedule: 'manual', sweep_schedule: 'manual', ...mapping },
  });
  await waitFor(async () =>
    expect(
      (await pool.query(`select from tideway.mappings where name = $1 and state = 'active'`, [name])).rowCount,
    ).toBe(1),
  );
  return stage;
}

const fill = (stage: Stage, ...refs: number[]) =>
  refs.map((ref) => stage.edit({ op: 'create', values: { ref, name: `item ${String(ref)}`, qty: ref } }));

test('a sync answers when it is done, with counts and errors; a dry run tells its changes and writes nothing', async () => {
  const stage = await begin('synced');
  fill(stage, 1, 2);
  stage.edit({ op: 'create', values: { ref: null, name: 'no key', qty: 1 } });
  const dry = await ask('POST', '/api/sync/tab/synced', { body: { dry_run: true } });
  expect(dry.body).toMatchObject({ success: true, dry_run: true, changes: [{ type: 'create' }, { type: 'create' }] });
  await stage.holds([]);
  const { rows } = await pool.query<{ id: string }>(`select id from tideway.mappings where name = 'synced'`);
  const real = await ask('POST', `/api/sync/tab/${rows[0]?.id ?? ''}`, { body: { row_limit: 100 } });
  expect(real).toMatchObject({
    status: 200,
    body: { success: true, stats: { rows_processed: 3, rows_created: 2, rows_updated: 0 } },
  });
  expect(real.body).not.toHaveProperty('changes');
  expect((real.body['stats'] as { errors: Json[] }).errors).toMatchObject([{ severity: 'error' }]);
  const runs = (await ask('GET', '/api/sync/runs?mapping=synced&limit=1')).body['runs'] as { id: string }[];
  expect(runs).toMatchObject([{ id: real.body['sync_run_id'], trigger: 'api', mapping: 'synced' }]);
  expect((await ask('GET', `/api/sync/runs/${String(runs[0]?.id)}`)).body).toEqual(real.body);
  const all = await ask('POST', '/api/sync/source/synced', { body: { mode: 'delta' } });
  expect(all.body).toMatchObject({ success: true, results: [{ mapping: 'synced' }] });
});

test('force_overwrite gives every field to the app, row_limit reads so many, and a dry run of both only tells', async () => {
  const stage = await begin('forced');
  fill(stage, 1, 2, 3);
  const sync = async (body: Json) => (await ask('POST', '/api/sync/tab/forced', { body })).body;
  expect(await sync({ row_limit: 2 })).toMatchObject({ stats: { rows_processed: 2, rows_created: 2 } });
  expect((await pool.query('select from forced')).rowCount).toBe(2);
  expect(await sync({})).toMatchObject({ stats: { rows_processed: 3, rows_created: 1 } });
  await pool.query(`update forced set name = 'mine' where id = 2`);
  const mine = [
    [1, 'item 1', 1],
    [2, 'mine', 2],
    [3, 'item 3', 3],
  ] as const;
  // What only the table changed stays until somebody says otherwise.
  expect(await sync({})).toMatchObject({ stats: { rows_updated: 0 } });
  await stage.holds(mine);
  expect(await sync({ force_overwrite: true, dry_run: true })).toMatchObject({
    dry_run: true,
    stats: { rows_processed: 3 },
    changes: [{ type: 'update' }],
  });
  await stage.holds(mine);
  expect(await sync({ force_overwrite: true })).toMatchObject({ stats: { rows_updated: 1 } });
  await stage.holds([
    [1, 'item 1', 1],
    [2, 'item 2', 2],
    [3, 'item 3', 3],
  ]);
});

test('who prefers not to wait gets 202 and a link, under which the result is found later', async () => {
  const stage = await begin('patient');
  fill(stage, 1);
  stage.app.fail({ method: 'GET', with: { kind: 'delay', milliseconds: 1_500 }, path: 'items' });
  for (const prefer of ['respond-async', 'wait=0', 'return=minimal, respond-async; foo']) {
    const answer = await ask('POST', '/api/sync/tab/patient', { body: {}, headers: { prefer } });
    expect(answer).toMatchObject({ status: 202, body: { status: 'running' } });
    expect(answer.headers.get('preference-applied')).toBe('respond-async');
    const link = answer.headers.get('location') ?? '';
    expect([answer.body['link'], `/api/sync/runs/${String(answer.body['sync_run_id'])}`]).toEqual([link, link]);
    await waitFor(async () =>
      expect((await ask('GET', link)).body).toMatchObject({ success: true, status: 'completed' }),
    );
  }
});

test('delta-sync and scheduled-sync keep the shapes of the requirements, and leave a row of the system in the history', async () => {
  const stage = await begin('listed', { item_type: 'product' });
  const ids = fill(stage, 1, 2);
  await pool.query(
    `insert into tideway.sync_list (org_id, user_id, item_type, source_platform, target_platform, source_id, source_mapping, target_mapping)
     select 'default', u, 'product', 'plain', 'plain', i, 'listed', 'nowhere' from unnest($1::text[], array['ann', 'bob']) x (i, u)`,
    [ids],
  );
  await pool.query('create role api_people nologin; grant tideway_operator to api_people');
  try {
    // The fetch call of requirements 01, with a session's token.
    const triggerSync = async (accessToken: string, itemIds: string[]) => {
      const response = await fetch(`${door}/functions/v1/delta-sync`, {
        method: 'POST',
        headers: { Authorization: `Bearer ${accessToken}`, 'Content-Type': 'application/json' },
        body: JSON.stringify({ syncListIds: itemIds }),
      });
      return { status: response.status, body: (await response.json()) as Json };
    };
    const ann = jwt(SECRET, { role: 'api_people', sub: 'ann', app_metadata: { org_id: 'default' } });
    const { rows } = await pool.query<{ id: string; user_id: string }>(
      `select id, user_id from tideway.sync_list order by user_id`,
    );
    const [hers, his] = rows.map(({ id }) => id);
    expect(await triggerSync(ann, [hers ?? ''])).toEqual({
      status: 200,
      body: {
        syncHistoryId: expect.stringMatching(/^[0-9a-f-]{36}$/) as string,
        status: 'partial_success',
        itemsProcessed: 1,
        itemsCreated: 0,
        itemsUpdated: 0,
        itemsFailed: 1,
        duration: expect.any(Number) as number,
        errors: [{ itemId: hers, error: expect.stringContaining('nowhere') as string }],
      },
    });
    expect(await triggerSync(ann, [his ?? ''])).toMatchObject({ status: 404, body: { code: 'TWLST' } });
    const delta = await ask('POST', '/functions/v1/delta-sync', { bearer: ann, body: { itemType: 'product' } });
    expect(delta).toMatchObject({ status: 200, body: { itemsProcessed: 1, itemsFailed: 1 } });
    expect((await ask('POST', '/functions/v1/scheduled-sync', { bearer: ann })).status).toBe(403);

    // As pg_cron sends it, and with a type but no body, as other cron jobs do.
    const system = await token('cron', 'tideway_operator', null);
    for (const more of [{ body: {} }, { headers: { 'content-type': 'application/json' } }]) {
      const all = await ask('POST', '/functions/v1/scheduled-sync', { bearer: system, ...more });
      expect(all).toMatchObject({
        status: 200,
        body: {
          totalUsers: 2,
          totalItems: 2,
          itemsProcessed: 2,
          itemsSucceeded: 0,
          itemsFailed: 2,
          duration: expect.any(Number) as number,
          userResults: [
            {
              userId: 'ann',
              itemsProcessed: 1,
              itemsFailed: 1,
              errors: [expect.stringContaining('nowhere') as string],
            },
            { userId: 'bob', itemsProcessed: 1 },
          ],
        },
      });
    }
    const other = await token('cron', 'tideway_operator', 'other');
    expect((await ask('POST', '/functions/v1/scheduled-sync', { bearer: other })).body).toMatchObject({
      totalUsers: 0,
      userResults: [],
    });
    const history = await pool.query(
      `select org_id, sync_type, status, items_processed::int as items from tideway.sync_history where user_id is null and sync_type = 'scheduled'
        order by created_at`,
    );
    expect(history.rows).toEqual([
      { org_id: 'default', sync_type: 'scheduled', status: 'partial_success', items: 2 },
      { org_id: 'default', sync_type: 'scheduled', status: 'partial_success', items: 2 },
      { org_id: 'other', sync_type: 'scheduled', status: 'completed', items: 0 },
    ]);
  } finally {
    await pool.query('delete from tideway.sync_list; drop owned by api_people; drop role api_people');
  }
});

test('a system token syncs the lists of every organisation, and each has its own row in the history', async () => {
  await pool.query(
    `insert into tideway.sync_list (org_id, user_id, item_type, source_platform, target_platform, source_id)
     select o, 'eve', 'order', 'plain', 'plain', o from unnest(array['default', 'other']) o`,
  );
  try {
    const system = await token('nightly', 'tideway_operator', null);
    const { body } = await ask('POST', '/functions/v1/scheduled-sync', { bearer: system, body: {} });
    expect(body).toMatchObject({ totalUsers: 2, totalItems: 2, itemsFailed: 2 });
    const runs = (body['userResults'] as { syncHistoryId: string }[]).map(({ syncHistoryId }) => syncHistoryId);
    const { rows } = await pool.query(
      `select over_all.org_id, over_all.user_id, jsonb_array_length(over_all.metadata -> 'runs') as parts
         from tideway.sync_history over_all where over_all.metadata -> 'runs' ?| $1 order by org_id`,
      [runs],
    );
    expect(rows).toEqual([
      { org_id: 'default', user_id: null, parts: 1 },
      { org_id: 'other', user_id: null, parts: 1 },
    ]);
  } finally {
    await pool.query('delete from tideway.sync_list');
  }
});

test('progress comes as it happens, for who may see it, until the token is revoked', async () => {
  const stage = await begin('watched');
  fill(stage, 1, 2, 3);
  const listen = async (bearer: string) => {
    const answer = await fetch(`${door}/api/sync/progress/stream`, {
      headers: { authorization: `Bearer ${bearer}` },
    });
    const heard = { text: '', ended: false };
    void (async () => {
      for await (const chunk of answer.body ?? []) heard.text += Buffer.from(chunk as Uint8Array).toString();
      heard.ended = true;
    })().catch(() => (heard.ended = true));
    return heard;
  };
  const operator = await token('mine', 'tideway_operator', 'default');
  const mine = await listen(operator);
  const other = await listen(await token('theirs', 'tideway_operator', 'other'));
  // The answer begins before there is anything to tell, as a browser that shows "connected" expects.
  const began = await new Promise<string>((resolve) => {
    const { hostname, port } = new URL(door);
    const ask = `GET /api/sync/progress/stream?sync_id=nothing HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${operator}\r\n\r\n`;
    const socket = connect(Number(port), hostname, () => socket.write(ask));
    socket.once('data', (chunk: Buffer) => {
      socket.destroy();
      resolve(chunk.toString());
    });
  });
  expect(began).toMatch(/^HTTP\/1.1 200 OK\r\n[^]*\r\n\r\n$/);
  expect(began).not.toContain('still here');
  const { body } = await ask('POST', '/api/sync/tab/watched', { bearer: operator, body: {} });
  const run = String(body['sync_run_id']);
  await waitFor(() =>
    expect(mine.text).toMatch(new RegExp(`"sync_id":"${run}".*"completed"|"completed".*"sync_id":"${run}"`)),
  );
  expect(other.text).not.toContain(run);
  await pool.query(`select tideway.revoke_api_token('mine')`);
  await waitFor(() => expect(mine.ended).toBe(true), { within: 30_000 });
  expect(other.ended).toBe(false);
});

test('the SQLSTATE and the grant are told when the daemon may not act as a role', async () => {
  await pool.query(`create role api_ungranted nologin; grant tideway_reader to api_ungranted;
                    create role api_login login password 'test'; grant tideway_daemon to api_login; alter role api_login replication`);
  try {
    const login = Object.assign(new URL(flow.url), { username: 'api_login', password: 'test' }).href;
    const session = new pg.Client({ connectionString: login, application_name: 'test/login' });
    await session.connect();
    try {
      await session.query('set role tideway_daemon');
      const error = await session
        .query(`select tideway_private.act_as('api_ungranted', '{}')`)
        .catch((e: unknown) => e);
      expect(error).toMatchObject({
        code: 'TWROL',
        hint: 'Let an administrator run: grant api_ungranted to api_login;',
      });
      await session.query('begin');
      await session.query(`select tideway_private.act_as('tideway_reader', '{"org_id": "default"}')`);
      const { rows } = await session.query<Json>(`select current_user, tideway.current_org_id()`);
      expect(rows).toEqual([{ current_user: 'tideway_reader', current_org_id: 'default' }]);
      await session.query('commit');
      expect((await session.query<Json>('select current_user')).rows).toEqual([{ current_user: 'tideway_daemon' }]);
    } finally {
      await session.end();
    }
  } finally {
    await pool.query(`drop owned by api_login, api_ungranted; drop role api_login, api_ungranted`);
  }
});
