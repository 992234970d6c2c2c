import { randomUUID } from 'node:crypto';
import { PostgrestClient } from '@supabase/postgrest-js';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startPostgrest } from '../../apps/postgrest/postgrest.ts';
import type { AppServer } from '../../apps/app-server.ts';
import { jwt } from '../../flow/http/caller.ts';
import { useDatabase } from '../../support/database.ts';
import { useLogins } from '../../support/logins.ts';

/** What the requirements' own programs ask through the official client, of the schema as docs/postgrest.md exposes it. */
const database = useDatabase();
const { login } = useLogins(database);
const { pool } = database;
const SECRET = randomUUID();
const people = `people_${randomUUID().slice(0, 8)}`;
let server: AppServer;
let ada: ReturnType<typeof as>;
let eve: ReturnType<typeof as>;

const as = (claims: Record<string, unknown>) =>
  new PostgrestClient(server.url, {
    schema: 'tideway',
    headers: { Authorization: `Bearer ${jwt(SECRET, { role: people, ...claims })}` },
  });

beforeAll(async () => {
  const gate = await login();
  await pool.query(`create role ${people} nologin`);
  await pool.query(`grant tideway_operator to ${people}`);
  await pool.query(`grant ${people} to ${gate.role}`);
  await pool.query('insert into tideway_private.trusted_logins values ($1)', [gate.role]);
  await pool.query(`insert into tideway.organisations (org_id) values ('acme'), ('globex')`);
  const address = Object.assign(new URL(database.url), { username: gate.role, password: 'test' }).href;
  server = await startPostgrest(address, SECRET, ['public', 'tideway']);
  ada = as({ org_id: 'acme', sub: 'ada' });
  eve = as({ org_id: 'globex', sub: 'eve' });
});
afterAll(async () => {
  await server.stop();
  await pool.query(`drop owned by ${people} cascade`);
  await pool.query(`drop role ${people}`);
});

test('a sync job is started, updated, watched and finished as requirements 04 print it', async () => {
  const started = await ada
    .from('sync_progress')
    .insert({
      org_id: 'acme',
      sync_id: 'sync-woo-1',
      entity_type: 'customer',
      total_items: 5000,
      initiated_by: 'ada',
      source_system: 'woocommerce',
    })
    .select();
  expect(started).toMatchObject({ error: null, data: [{ status: 'running', processed_count: 0 }] });
  await pool.query(`update tideway.sync_progress set started_at = clock_timestamp() - interval '5 minutes'`);
  const update = (counts: object) =>
    ada.from('sync_progress').update(counts).eq('org_id', 'acme').eq('sync_id', 'sync-woo-1').select().single();
  const half = await update({ processed_count: 2497, failed_count: 3, current_item: 2500 });
  expect(half.error).toBe(null);
  expect(half.data).toMatchObject({
    completed_at: null,
    elapsed_seconds: expect.closeTo(300, -1) as unknown,
    eta_seconds: expect.closeTo(300, -1) as unknown,
    speed_items_per_min: expect.closeTo(500, -1) as unknown,
  });
  const live = () =>
    ada
      .from('sync_progress')
      .select('*')
      .eq('org_id', 'acme')
      .is('completed_at', null)
      .order('updated_at', { ascending: false });
  expect((await live()).data).toMatchObject([{ sync_id: 'sync-woo-1', processed_count: 2497, total_items: 5000 }]);
  const tooMany = await update({ processed_count: 5000, failed_count: 3 });
  expect(tooMany.error?.message).toContain('violates check constraint');
  expect((await update({ processed_count: 4997, failed_count: 3 })).data).toMatchObject({
    completed_at: expect.any(String) as unknown,
  });
  expect((await live()).data).toEqual([]);
  const trail = await ada.from('sync_activity_log').select('*').eq('sync_id', 'sync-woo-1');
  expect(trail.data).toMatchObject([{ status: 'completed_with_errors', user_id: 'ada', source_system: 'woocommerce' }]);
});

test('a preview is kept for its hour, and found by its key only while it counts', async () => {
  const kept = await ada
    .from('sync_preview_cache')
    .insert({
      org_id: 'acme',
      sync_type: 'odoo',
      delta_json: { create: 12 },
      computed_by: 'ada',
      cache_key: 'all customers',
      expires_at: new Date(Date.now() + 3_600_000),
    })
    .select();
  expect(kept.error).toBe(null);
  const find = () =>
    ada
      .from('sync_preview_cache')
      .select('delta_json')
      .eq('cache_key', 'all customers')
      .gt('expires_at', new Date().toISOString())
      .single();
  expect((await find()).data).toEqual({ delta_json: { create: 12 } });
  await pool.query(`update tideway.sync_preview_cache set expires_at = now() - interval '1 second'`);
  expect((await find()).error?.code).toBe('PGRST116');
  expect((await ada.rpc('auto_cleanup_preview_cache')).data).toEqual({ deleted_count: 1 });
});

test('the audit trail is asked by organisation, by status and by user', async () => {
  const noted = await ada.from('sync_activity_log').insert(
    ['failed', 'completed', 'timeout'].map((status) => ({
      org_id: 'acme',
      sync_id: 'sync-woo-2',
      entity_type: 'customer',
      action: 'batch_process',
      status,
      record_count: 1,
      error_message: status === 'completed' ? null : 'No such customer',
      user_id: status === 'failed' ? 'bob' : 'ada',
      created_at: new Date().toISOString(),
    })),
  );
  expect(noted.error).toBe(null);
  const week = new Date(Date.now() - 7 * 24 * 3_600_000).toISOString();
  const log = () => ada.from('sync_activity_log').select('*').eq('org_id', 'acme').eq('sync_id', 'sync-woo-2');
  expect((await log().gt('created_at', week).order('created_at', { ascending: false }).limit(1000)).data).toHaveLength(
    3,
  );
  const failed = await log().in('status', ['failed', 'completed_with_errors', 'timeout']).order('status');
  expect(failed.data).toMatchObject([{ status: 'failed' }, { status: 'timeout' }]);
  expect((await log().eq('user_id', 'bob').limit(100)).data).toMatchObject([{ status: 'failed' }]);
});

test('another organisation sees nothing of it, and is told so when it writes', async () => {
  for (const table of ['sync_progress', 'sync_activity_log', 'sync_preview_cache']) {
    expect(await eve.from(table).select('*').eq('org_id', 'acme')).toMatchObject({ error: null, data: [] });
  }
  const forged = await eve
    .from('sync_progress')
    .insert({ org_id: 'acme', sync_id: 'forged', entity_type: 'customer', total_items: 1 });
  expect(forged).toMatchObject({
    status: 403,
    error: { message: 'You may not write rows of the organisation "acme".' },
  });
  const who = await eve.rpc('whoami');
  expect(who.data).toMatchObject([{ org_id: 'globex', user_id: 'eve' }]);
});

test('patterns and list items of requirements 01 belong to who saved them', async () => {
  const pattern = await ada
    .from('saved_search_patterns')
    .insert({
      name: 'Active Electronics',
      description: 'All active electronic products',
      direction: 'netsuite-to-shopify',
      filter_config: { status: ['active'], category: 'Electronics', priceMin: 10 },
    })
    .select()
    .single();
  expect(pattern).toMatchObject({ error: null, data: { org_id: 'acme', user_id: 'ada' } });
  const item = await ada
    .from('sync_list')
    .insert({
      item_type: 'product',
      source_platform: 'netsuite',
      target_platform: 'shopify',
      source_id: '42',
      sync_mode: 'delta',
      is_active: true,
      metadata: { name: 'Lamp', sku: 'LAMP-1' },
    })
    .select()
    .single();
  expect(item).toMatchObject({ error: null, data: { user_id: 'ada', last_synced_at: null } });
  const bob = as({ org_id: 'acme', sub: 'bob' });
  expect((await bob.from('sync_list').select('*')).data).toEqual([]);
});

test('the last lines and the hours of the log, as requirements 02 ask for them', async () => {
  await pool.query(
    `insert into tideway.sync_activity_log (org_id, action, status, duration_ms) values ('acme', 'pull', 'completed', 120), ('globex', 'pull', 'failed', 9)`,
  );
  const bearer = { authorization: `Bearer ${jwt(SECRET, { role: people, org_id: 'acme', sub: 'ada' })}` };
  const ask = async (query: string) => {
    const answer = await fetch(`${server.url}/${query}`, { headers: { ...bearer, 'accept-profile': 'tideway' } });
    return (await answer.json()) as Record<string, unknown>[];
  };
  const logs = await ask('sync_logs?select=*&order=created_at.desc&limit=10');
  expect(logs[0]).toMatchObject({ status: 'success', duration_ms: 120 });
  expect(await ask('sync_stats?select=*&order=hour.desc&limit=24')).not.toEqual([]);
});
