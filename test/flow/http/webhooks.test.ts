import { randomBytes, randomUUID } from 'node:crypto';
import { beforeAll, expect, test } from 'vitest';
import { signedHeaders } from '../../apps/plain/plain-webhooks.ts';
import { useDatabase } from '../../support/database.ts';
import type { RunningDaemon } from '../../support/daemon.ts';
import { waitFor } from '../../support/wait-for.ts';
import { useOutbound } from '../outbound/stage.ts';
import { doorOf } from './door.ts';

const flow = useOutbound(useDatabase(), { shared: true });
const { pool } = flow;

const SECRET = 'shared secret of the app';
const ENV = { WEBHOOK_SECRET: SECRET, WEBHOOK_SECRET_2: 'a newer one' };
const create = (ref: number, name: string, qty: number) => ({ op: 'create', values: { ref, name, qty } }) as const;
let daemon: RunningDaemon;
let made = 0;

beforeAll(async () => {
  daemon = await flow.daemon(ENV);
});

/** A table of the test's own that is polled once an hour, so that only webhooks bring what changes. */
async function useDoor() {
  const name = `rung_${String((made += 1))}`;
  const stage = await flow.stage({ name, direction: 'pull', mapping: { schedule: '1 h' } });
  await pool.query(`select tideway.set_webhook_secret($1, 'env:WEBHOOK_SECRET')`, [name]);
  await waitFor(async () =>
    expect(
      (
        await pool.query(
          `select from tideway.sync_runs r join tideway.mappings m on m.id = r.mapping_id where m.name = $1 and r.status = 'completed'`,
          [name],
        )
      ).rowCount,
    ).toBe(1),
  );
  const { rows } = await pool.query<{ url: string }>(`select tideway.webhook_url($1) as url`, [name]);
  const path = rows[0]?.url ?? '';
  const url = `${doorOf(daemon)}${path}`;
  const post = (body: string, headers: Record<string, string>) => fetch(url, { method: 'POST', body, headers });
  const ring = (ids: readonly string[], more: { id?: string; at?: number; secret?: string; table?: string } = {}) => {
    const body = JSON.stringify({ changed: [{ table: more.table ?? 'items', ids }] });
    const at = more.at ?? Math.floor(Date.now() / 1000);
    return post(body, signedHeaders(more.secret ?? SECRET, more.id ?? randomUUID(), at, body));
  };
  const log = async () =>
    (
      await pool.query<{ action: string; status: string; code: string | null; records: number }>(
        `select l.action, l.status, l.metadata ->> 'code' as code, l.record_count as records
           from tideway.sync_activity_log l join tideway.connections c on c.id = l.connection_id
          where l.action like 'webhook%' and c.name = $1 order by l.created_at`,
        [name],
      )
    ).rows;
  const inbox = async () =>
    (
      await pool.query(
        `select from tideway_private.inbox i join tideway.connections c on c.number = i.connection where c.name = $1`,
        [name],
      )
    ).rowCount;
  return { stage, name, url, post, ring, log, inbox };
}

test('a webhook brings the record it names, once however often it is delivered', async () => {
  const { stage, ring, log } = await useDoor();
  const one = stage.edit(create(1, 'hammer', 1));
  const id = randomUUID();
  expect((await ring([one], { id })).status).toBe(202);
  await stage.holds([[1, 'hammer', 1]]);
  expect((await ring([one], { id })).status).toBe(200);
  stage.edit({ op: 'update', id: one, values: { qty: 7 } });
  expect((await ring([one])).status).toBe(202);
  await stage.holds([[1, 'hammer', 7]]);
  stage.edit({ op: 'delete', id: one });
  expect((await ring([one])).status).toBe(202);
  await stage.holds([]);
  expect(await log()).toEqual(
    Array.from({ length: 3 }, () => ({ action: 'webhook_received', status: 'completed', code: null, records: 1 })),
  );
});

test('a table without ids is read for changes', async () => {
  const { stage, ring } = await useDoor();
  stage.edit(create(1, 'hammer', 1));
  expect((await ring([])).status).toBe(202);
  await stage.holds([[1, 'hammer', 1]]);
});

test('what does not prove itself changes nothing, is told why, and cannot fill the log', async () => {
  const { stage, ring, post, url, log, inbox } = await useDoor();
  const one = stage.edit(create(1, 'hammer', 1));
  for (let time = 0; time < 20; time++) {
    expect((await ring([one], { secret: 'forged' })).status).toBe(401);
  }
  const late = await ring([one], { at: Math.floor(Date.now() / 1000) - 3600 });
  expect([late.status, await late.json()]).toMatchObject([
    401,
    { code: 'TIMESTAMP_SKEW', mend: expect.stringContaining('clock') as unknown },
  ]);
  const garbage = '{"changed": [';
  const signed = signedHeaders(SECRET, randomUUID(), Math.floor(Date.now() / 1000), garbage);
  expect((await post(garbage, signed)).status).toBe(400);
  expect((await post('x'.repeat(2 * 1024 * 1024), {})).status).toBe(413);
  const elsewhere = await fetch(`${url.slice(0, -64)}${'0'.repeat(64)}`, { method: 'POST', body: '{}' });
  expect(elsewhere.status).toBe(404);
  expect(elsewhere.headers.get('content-type')).toContain('application/problem+json');
  expect(await elsewhere.json()).toMatchObject({
    code: 'NOT_FOUND',
    request_id: elsewhere.headers.get('x-request-id'),
  });
  expect(await inbox()).toBe(0);
  await stage.holds([]);
  expect((await log()).map(({ code }) => code).sort()).toEqual(['BAD_RESPONSE', 'SIGNATURE_INVALID', 'TIMESTAMP_SKEW']);
  const metrics = await (await fetch(`${new URL(url).origin}/metrics`)).text();
  expect(metrics).toContain('tideway_webhooks_total{outcome="SIGNATURE_INVALID"} 20');
  expect(metrics).toContain('tideway_webhooks_total{outcome="PAYLOAD_TOO_LARGE"} 1');
  expect(metrics).toContain('tideway_webhooks_total{outcome="UNKNOWN_ADDRESS"} 1');
});

test('a secret can be exchanged without losing a delivery', async () => {
  const { ring, name } = await useDoor();
  const exchange = () => pool.query(`select tideway.set_webhook_secret($1, 'env:WEBHOOK_SECRET_2')`, [name]);
  expect((await ring([])).status).toBe(202);
  await exchange();
  await waitFor(async () => expect((await ring([], { secret: 'a newer one' })).status).toBe(202));
  expect((await ring([])).status).toBe(202);
  await exchange();
  await waitFor(async () => expect((await ring([])).status).toBe(401));
  expect((await ring([], { secret: 'a newer one' })).status).toBe(202);
});

test('a script that cannot sign shows the secret in a header and names its records', async () => {
  const { stage, post } = await useDoor();
  const ids = [1, 2, 3].map((ref) => stage.edit(create(ref, 'item', ref)));
  const body = (more: object) =>
    JSON.stringify({ source: 'automation', attempt: 2, timestamp: new Date().toISOString(), ...more });
  expect((await post(body({ recordId: ids[0] }), { 'x-tideway-secret': SECRET })).status).toBe(202);
  await stage.holds([[1, 'item', 1]]);
  const several = body({ recordIds: ids });
  expect((await post(several, { authorization: `Bearer ${SECRET}` })).status).toBe(202);
  expect((await post(several, { authorization: `Bearer ${SECRET}` })).status).toBe(200);
  await stage.holds([1, 2, 3].map((ref) => [ref, 'item', ref] as const));
  const { rows: told } = await pool.query(
    `select record_id, record_count, attempt_number from tideway.sync_activity_log where action = 'webhook_received' and attempt_number is not null order by created_at`,
  );
  expect(told).toEqual([
    { record_id: ids[0], record_count: 1, attempt_number: 2 },
    { record_id: null, record_count: 3, attempt_number: 2 },
  ]);
  expect((await post(body({ recordId: ids[0] }), { 'x-tideway-secret': 'wrong' })).status).toBe(401);
  const many = body({ recordIds: Array.from({ length: 1001 }, (_, n) => `r${String(n)}`) });
  expect((await post(many, { 'x-tideway-secret': SECRET })).status).toBe(400);
  const old = body({ recordId: ids[0], timestamp: '2020-01-01T00:00:00Z' });
  expect((await post(old, { 'x-tideway-secret': SECRET })).status).toBe(401);
});

test('while a secret cannot be had the app is told to come again', async () => {
  const { ring, inbox, name } = await useDoor();
  await pool.query(`select tideway.set_webhook_secret($1, 'env:WEBHOOK_SECRET_ABSENT')`, [name]);
  await waitFor(async () => expect((await ring([], { secret: 'forged' })).status).toBe(503));
  const answer = await ring([], { secret: 'forged' });
  expect([answer.status, await answer.text()]).toEqual([503, expect.not.stringContaining('ABSENT') as unknown]);
  expect(answer.headers.get('retry-after')).toBe('60');
  expect(await inbox()).toBe(0);
});

test('a flood of forged deliveries stops no genuine one, and leaves neither work nor a long log', async () => {
  const { stage, ring, url, log, inbox } = await useDoor();
  const ids = Array.from({ length: 20 }, (_, ref) => stage.edit(create(ref, 'item', ref)));
  const statuses = (answers: readonly Response[]) => [...new Set(answers.map(({ status }) => status))];
  const [forged, nowhere, genuine] = await Promise.all([
    Promise.all(Array.from({ length: 150 }, () => ring(ids, { secret: 'forged' }))),
    Promise.all(
      Array.from({ length: 150 }, () =>
        fetch(url.slice(0, -64) + randomBytes(32).toString('hex'), { method: 'POST', body: '{}' }),
      ),
    ),
    Promise.all(ids.map((id) => ring([id]))),
  ]);
  expect([statuses(forged), statuses(nowhere), statuses(genuine)]).toEqual([[401], [404], [202]]);
  await stage.holds(ids.map((_, ref) => [ref, 'item', ref] as const));
  expect(await inbox()).toBe(20);
  const refused = (await log()).filter(({ action }) => action === 'webhook_rejected');
  expect(refused).toEqual([expect.objectContaining({ code: 'SIGNATURE_INVALID' })]);
});

test('a delivery that a daemon stored before it was killed is worked off by the next one', async () => {
  const { stage, name } = await useDoor();
  const one = stage.edit(create(1, 'hammer', 1));
  await daemon.kill();
  await pool.query(
    `select * from tideway_private.receive_webhooks(
       (select jsonb_build_array(jsonb_build_object('connection', number, 'id', 'left', 'changed',
                 jsonb_build_array(jsonb_build_object('table', 'items', 'ids', jsonb_build_array($1::text)))))
          from tideway.connections where name = $2))`,
    [one, name],
  );
  daemon = await flow.daemon(ENV);
  await stage.holds([[1, 'hammer', 1]]);
});

test('the daemon answers probes, and is ready once the heartbeat came back through the log', async () => {
  const { url } = await useDoor();
  const { origin } = new URL(url);
  expect((await fetch(`${origin}/healthz`)).status).toBe(200);
  await waitFor(async () => expect((await fetch(`${origin}/readyz`)).status).toBe(200));
  await pool.query(`update tideway_private.positions set updated_at = now() - interval '1 hour', epoch = epoch + 1`);
  const answer = await fetch(`${origin}/readyz`);
  expect([answer.status, await answer.json()]).toMatchObject([
    503,
    { code: 'NOT_READY', where: expect.stringContaining('slot') as unknown },
  ]);
  const far = await fetch(`${origin}/metrics`, { headers: { 'x-forwarded-for': '203.0.113.9' } });
  expect(far.status).toBe(401);
});
