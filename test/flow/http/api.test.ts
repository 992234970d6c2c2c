import { createHmac, randomUUID } from 'node:crypto';
import pg from 'pg';
import { afterEach, expect, test } from 'vitest';
import { ENDPOINTS } from '../../../src/http/endpoints.ts';
import { waitFor } from '../../support/wait-for.ts';
import { useOutbound, type Stage } from '../outbound/stage.ts';
import { doorOf } from './door.ts';

const flow = useOutbound();
const { pool } = flow;
const SECRET = randomUUID() + randomUUID();
const NIL = (n: number) => `00000000-0000-4000-8000-00000000000${String(n)}`;
const ELSEWHERE = { 'x-forwarded-for': '203.0.113.9' };

afterEach(async () => {
  await pool.query(
    `truncate tideway_private.api_tokens; delete from tideway.organisations where org_id in ('other', 'third')`,
  );
});

type Json = Record<string, unknown>;

interface Answer {
  readonly status: number;
  readonly body: Json;
  readonly headers: Headers;
}

interface Ask {
  readonly body?: unknown;
  readonly bearer?: string | undefined;
  readonly headers?: Record<string, string>;
}

async function begin(env: Record<string, string> = {}, prepare = async (): Promise<void> => {}) {
  const stage = await flow.stage({
    direction: 'pull',
    mapping: { schedule: 'manual', sweep_schedule: 'manual', item_type: 'product' },
  });
  await prepare();
  const daemon = await flow.daemon({ TIDEWAY_JWT_SECRET: SECRET, ...env });
  await waitFor(async () =>
    expect((await pool.query(`select from tideway.mappings where state = 'active'`)).rowCount).toBe(1),
  );
  return { stage, ask: asker(doorOf(daemon)), door: doorOf(daemon), daemon };
}

function asker(door: string) {
  return async (method: string, path: string, { body, bearer, headers = {} }: Ask = {}): Promise<Answer> => {
    const answer = await fetch(door + path, {
      method,
      headers: {
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(bearer === undefined ? {} : { authorization: `Bearer ${bearer}` }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    return { status: answer.status, headers: answer.headers, body: (text === '' ? {} : JSON.parse(text)) as Json };
  };
}

function jwt(claims: Json): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const content = `${part({ alg: 'HS256' })}.${part({ exp: Date.now() / 1000 + 600, ...claims })}`;
  return `${content}.${createHmac('sha256', SECRET).update(content).digest('base64url')}`;
}

const token = async (name: string, role: string, org: string | null) =>
  (
    await pool.query<{ token: string }>(`select tideway.create_api_token($1, org_id => $3, role => $2) as token`, [
      name,
      role,
      org,
    ])
  ).rows[0]?.token ?? '';

/** What the examples of the OpenAPI document name. */
async function seed(): Promise<void> {
  await pool.query(
    `insert into tideway.sync_runs (id, org_id, mapping_id, kind, status, completed_at, report)
     select $1, org_id, id, 'pull', 'completed', now(), '{}' from tideway.mappings`,
    [NIL(1)],
  );
  await pool.query(
    `insert into tideway.sync_errors (id, org_id, mapping_id, direction, local_key, error_class, code, message)
     select $1, org_id, id, 'pull', '1', 'VALIDATION_ERROR', 'INVALID_VALUE', 'not a number' from tideway.mappings`,
    [NIL(2)],
  );
  await pool.query(
    `insert into tideway.conflicts (id, org_id, mapping_id, local_key, "column", kind, policy, local_value, remote_value)
     select $1, org_id, id, '1', 'qty', 'update_exists', 'manual', '1', '12345678901234567890' from tideway.mappings`,
    [NIL(3)],
  );
}

const fill = (stage: Stage, ...refs: number[]) =>
  refs.map((ref) => stage.edit({ op: 'create', values: { ref, name: `item ${String(ref)}`, qty: ref } }));

test('every example of the OpenAPI document works and answers what its schema says', async () => {
  const { ask, stage, door } = await begin({}, seed);
  fill(stage, 1);
  const document = (await ask('GET', '/openapi.json')).body as { paths: Record<string, Json> };
  const done: string[] = [];
  for (const { method, path, example, answer, stream } of ENDPOINTS) {
    expect(document.paths[path.replace(/:(\w+)/g, '{$1}')]).toHaveProperty(method.toLowerCase());
    const there =
      path.replace(/:(\w+)/g, (_, name: string) => example.params?.[name] ?? '') +
      (example.query ? `?${String(new URLSearchParams(example.query))}` : '');
    if (stream !== undefined) {
      const answered = await fetch(door + there, { headers: { accept: stream } });
      expect(answered.headers.get('content-type')).toContain(stream);
      await answered.body?.cancel();
    } else {
      const answered = await ask(method, there, { body: example.body });
      expect([there, answered.status, answered.body]).toMatchObject([there, example.status ?? 200, {}]);
      expect(answer.parse(answered.body)).toBeTypeOf('object');
    }
    done.push(path);
  }
  expect(done).toHaveLength(ENDPOINTS.length);
});

test('a sync answers when it is done, with counts and errors; a dry run tells its changes and writes nothing', async () => {
  const { ask, stage } = await begin();
  fill(stage, 1, 2);
  stage.edit({ op: 'create', values: { ref: null, name: 'no key', qty: 1 } });
  const dry = await ask('POST', '/api/sync/tab/items', { body: { dry_run: true } });
  expect(dry.body).toMatchObject({ success: true, dry_run: true, changes: [{ type: 'create' }, { type: 'create' }] });
  await stage.holds([]);
  const { rows } = await pool.query<{ id: string }>('select id from tideway.mappings');
  const real = await ask('POST', `/api/sync/tab/${rows[0]?.id ?? ''}`, { body: { row_limit: 100 } });
  expect(real).toMatchObject({
    status: 200,
    body: { success: true, stats: { rows_processed: 3, rows_created: 2, rows_updated: 0 } },
  });
  expect(real.body).not.toHaveProperty('changes');
  expect((real.body['stats'] as { errors: Json[] }).errors).toMatchObject([{ severity: 'error' }]);
  const runs = (await ask('GET', '/api/sync/runs?limit=1')).body['runs'] as { id: string; trigger: string }[];
  expect(runs).toMatchObject([{ id: real.body['sync_run_id'], trigger: 'api', mapping: 'items' }]);
  expect((await ask('GET', `/api/sync/runs/${String(runs[0]?.id)}`)).body).toEqual(real.body);
  const all = await ask('POST', '/api/sync/source/items', { body: { mode: 'delta' } });
  expect(all.body).toMatchObject({ success: true, results: [{ mapping: 'items' }] });
});

test('who prefers not to wait gets 202 and a link, under which the result is found later', async () => {
  const { ask, stage } = await begin();
  fill(stage, 1);
  const answer = await ask('POST', '/api/sync/tab/items', { body: {}, headers: { prefer: 'respond-async' } });
  expect(answer).toMatchObject({ status: 202, body: { status: 'running' } });
  const link = answer.headers.get('location') ?? '';
  expect(answer.body['link']).toBe(link);
  await waitFor(async () =>
    expect((await ask('GET', link)).body).toMatchObject({ success: true, status: 'completed' }),
  );
});

test('delta-sync and scheduled-sync keep the shapes of the requirements', async () => {
  const { ask, stage } = await begin();
  await pool.query(`insert into tideway.organisations (org_id) values ('other')`);
  const ids = fill(stage, 1, 2);
  await pool.query(
    `insert into tideway.sync_list (org_id, user_id, item_type, source_platform, target_platform, source_id, source_mapping, target_mapping)
     select 'default', u, 'product', 'plain', 'plain', i, 'items', 'nowhere' from unnest($1::text[], array['ann', 'bob']) x (i, u)`,
    [ids],
  );
  await pool.query('create role api_people nologin');
  try {
    await pool.query('grant tideway_operator to api_people');
    const ann = jwt({ role: 'api_people', sub: 'ann', app_metadata: { org_id: 'default' } });
    const delta = await ask('POST', '/functions/v1/delta-sync', { bearer: ann, body: { itemType: 'product' } });
    expect(delta).toMatchObject({
      status: 200,
      body: { itemsProcessed: 1, itemsCreated: 0, itemsFailed: 1, errors: [{ itemId: expect.any(String) as string }] },
    });
    const { rows } = await pool.query<{ id: string }>(`select id from tideway.sync_list where user_id = 'bob'`);
    const foreign = await ask('POST', '/functions/v1/delta-sync', {
      bearer: ann,
      body: { syncListIds: rows.map(({ id }) => id) },
    });
    expect([foreign.status, foreign.body['code']]).toEqual([404, 'TWLST']);
    expect((await ask('POST', '/functions/v1/scheduled-sync', { bearer: ann })).status).toBe(403);

    const system = await token('cron', 'tideway_operator', null);
    // With a type but no body, as a cron job sends it.
    const all = await ask('POST', '/functions/v1/scheduled-sync', {
      bearer: system,
      headers: { 'content-type': 'application/json' },
    });
    expect(all).toMatchObject({
      status: 200,
      body: { totalUsers: 2, totalItems: 2, itemsProcessed: 2, userResults: [{ userId: 'ann' }, { userId: 'bob' }] },
    });
    const other = await token('cron', 'tideway_operator', 'other');
    expect((await ask('POST', '/functions/v1/scheduled-sync', { bearer: other })).body).toMatchObject({
      totalUsers: 0,
    });
  } finally {
    await pool.query('drop owned by api_people; drop role api_people');
  }
});

test('role, endpoint and organisation decide together what a caller gets', async () => {
  const { ask } = await begin({}, seed);
  await pool.query(`insert into tideway.organisations (org_id) values ('other')`);
  await pool.query(
    `create role api_reader nologin; create role api_stranger nologin; create role api_chief nologin bypassrls`,
  );
  try {
    await pool.query(`grant tideway_reader to api_reader; grant tideway_operator to api_chief`);
    const callers = {
      nobody: undefined,
      'made up': `tw_${'0'.repeat(64)}`,
      reader: await token('reader', 'tideway_reader', 'default'),
      operator: await token('operator', 'tideway_operator', 'default'),
      'operator of other': await token('operator', 'tideway_operator', 'other'),
      person: jwt({ role: 'api_reader', org_id: 'default', sub: 'ann' }),
      'person of other': jwt({ role: 'api_reader', org_id: 'other', sub: 'ann' }),
      'person of no organisation': jwt({ role: 'api_reader', sub: 'ann' }),
      'person with a list for an organisation': jwt({ role: 'api_reader', org_id: ['default'] }),
      stranger: jwt({ role: 'api_stranger', org_id: 'default' }),
      chief: jwt({ role: 'api_chief', org_id: 'default' }),
      superuser: jwt({ role: 'postgres', org_id: 'default' }),
      daemon: jwt({ role: 'tideway_daemon', org_id: 'default' }),
      over: jwt({ role: 'api_reader', org_id: 'default', exp: 1 }),
    };
    const look = {
      reader: 200,
      operator: 200,
      'operator of other': 0,
      person: 200,
      'person of other': 0,
      'person of no organisation': 0,
      'person with a list for an organisation': 0,
    };
    const wrong = { nobody: 401, 'made up': 401, over: 401, stranger: 403, chief: 403, superuser: 403, daemon: 403 };
    const operate = {
      reader: 403,
      operator: 200,
      'operator of other': 404,
      person: 403,
      'person of other': 403,
      'person of no organisation': 403,
      'person with a list for an organisation': 403,
    };
    for (const { method, path, needs, example, stream } of ENDPOINTS) {
      // A system's matter, tried above.
      if (stream !== undefined || path.startsWith('/functions')) continue;
      const there = path.replace(/:(\w+)/g, (_, name: string) => example.params?.[name] ?? '');
      const expected: Record<string, number> = { ...(needs === 'look' ? look : operate), ...wrong };
      for (const [who, bearer] of Object.entries(callers)) {
        const { status, body } = await ask(method, there, { bearer, body: example.body, headers: ELSEWHERE });
        const wanted = expected[who];
        const told = `${who}: ${method} ${there} → ${String(status)} ${JSON.stringify(body)}`;
        if (wanted === 0) {
          // A list is empty and a single thing is not found.
          if (status === 200) expect(Object.values(body), told).toEqual([[]]);
          else expect(status, told).toBe(404);
        } else expect(status, told).toBe(wanted);
        if (status !== 200)
          expect(body, told).toMatchObject({
            status,
            code: expect.any(String) as string,
            request_id: expect.any(String) as string,
          });
      }
    }
  } finally {
    await pool.query(
      'drop owned by api_reader, api_stranger, api_chief; drop role api_reader, api_stranger, api_chief',
    );
  }
});

test('progress comes as it happens, for who may see it, until the token is revoked', async () => {
  const { ask, stage, door } = await begin();
  await pool.query(`insert into tideway.organisations (org_id) values ('other')`);
  fill(stage, 1, 2, 3);
  const listen = async (bearer: string) => {
    const answer = await fetch(`${door}/api/sync/progress/stream`, { headers: { authorization: `Bearer ${bearer}` } });
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
  const { body } = await ask('POST', '/api/sync/tab/items', { bearer: operator, body: {} });
  await waitFor(() =>
    expect(mine.text).toMatch(
      new RegExp(
        `"sync_id":"${String(body['sync_run_id'])}".*"completed"|"completed".*"sync_id":"${String(body['sync_run_id'])}"`,
      ),
    ),
  );
  expect(other.text).not.toContain('sync_id');
  await pool.query(`set tideway.org_id = 'default'; select tideway.revoke_api_token('mine'); reset tideway.org_id`);
  await waitFor(() => expect(mine.ended).toBe(true), { within: 30_000 });
  expect(other.ended).toBe(false);
});

test('what is wrong is told without inner details; what is too much is refused', async () => {
  const { ask, door, daemon } = await begin({
    TIDEWAY_HTTP_RATE: '5',
    TIDEWAY_HTTP_ORIGINS: 'https://app.example.com',
    TIDEWAY_HTTP_OPEN: 'healthz',
  });
  const problem = async (path: string, body: unknown) => (await ask('POST', path, { body })).body;
  expect(await problem('/api/sync/tab/itemz', {})).toMatchObject({
    status: 404,
    code: 'TWMAP',
    mend: expect.stringContaining('items') as string,
  });
  expect(await problem('/api/sync/tab/items', { row_limit: 0 })).toMatchObject({ status: 400, where: 'row_limit' });
  expect(await problem('/api/sync/tab/items', { rowLimit: 1 })).toMatchObject({ status: 400, where: 'rowLimit' });
  expect(await problem(`/api/conflicts/${NIL(9)}/resolve`, { choice: 'local' })).toMatchObject({ code: 'TWCFL' });
  expect(await problem('/api/errors/x/retry', {})).toMatchObject({ status: 400, where: 'id' });
  expect((await ask('POST', '/api/errors/retry', { body: { x: 'x'.repeat(1_100_000) } })).status).toBe(413);
  const odd = await fetch(`${door}/api/errors/retry`, {
    method: 'POST',
    body: '{',
    headers: { 'content-type': 'application/json' },
  });
  expect(odd.status).toBe(400);
  expect(
    (await fetch(`${door}/api/errors/retry`, { method: 'POST', body: '<a/>', headers: { 'content-type': 'text/xml' } }))
      .status,
  ).toBe(415);

  const page = await ask('GET', '/api/mappings', { headers: { origin: 'https://app.example.com' } });
  expect([page.status, page.headers.get('access-control-allow-origin')]).toEqual([401, 'https://app.example.com']);
  const evil = await ask('POST', '/api/errors/retry', { body: {}, headers: { origin: 'https://evil.example.com' } });
  expect([evil.status, evil.headers.get('access-control-allow-origin')]).toEqual([401, null]);
  const preflight = await fetch(`${door}/api/mappings`, {
    method: 'OPTIONS',
    headers: { origin: 'https://app.example.com' },
  });
  expect([preflight.status, preflight.headers.get('access-control-allow-methods')]).toEqual([204, 'GET, POST']);

  expect((await ask('GET', '/healthz', { headers: ELSEWHERE })).status).toBe(200);
  expect((await ask('GET', '/readyz', { headers: ELSEWHERE })).status).toBe(401);
  const reader = await token('reader', 'tideway_reader', 'default');
  const many = await Promise.all(
    Array.from({ length: 40 }, () => ask('GET', '/api/mappings', { bearer: reader, headers: ELSEWHERE })),
  );
  const refused = many.filter(({ status }) => status === 429);
  expect(refused.length).toBeGreaterThan(0);
  expect(refused[0]?.headers.get('retry-after')).toBe('1');
  expect(many.filter(({ status }) => status === 200).length).toBeGreaterThanOrEqual(10);
  expect(daemon.log()).not.toContain(reader.slice(3));
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
