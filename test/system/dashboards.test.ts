import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { ClientBase } from 'pg';
import { afterAll, describe, expect, test } from 'vitest';
import { DASHBOARDS } from '../../grafana/dashboards.ts';
import { doorOf } from '../flow/http/door.ts';
import { useOutbound } from '../flow/outbound/stage.ts';
import { useDatabase } from '../support/database.ts';
import { isInstalled } from '../support/debian-server.ts';
import { freePort } from '../support/free-port.ts';
import { panelsOf, targetsOf } from '../support/grafana-panels.ts';
import { waitFor } from '../support/wait-for.ts';

const prometheus = '/usr/bin/prometheus';
const installed = isInstalled({ prometheus }, 'dashboards and alerts on a real Prometheus');

interface Rule {
  readonly name: string;
  readonly query: string;
  readonly health: string;
  readonly lastError?: string;
}

const expressions = Object.entries(DASHBOARDS).flatMap(([name, dashboard]) =>
  panelsOf(dashboard).flatMap((panel) =>
    targetsOf(panel).flatMap(({ expr }) =>
      expr === undefined ? [] : [{ panel: `${name}: ${String(panel.title)}`, expr }],
    ),
  ),
);
const statements = Object.entries(DASHBOARDS).flatMap(([name, dashboard]) =>
  panelsOf(dashboard).flatMap((panel) =>
    targetsOf(panel).flatMap(({ rawSql }) =>
      rawSql === undefined ? [] : [{ name, title: String(panel.title), rawSql }],
    ),
  ),
);

/** As Grafana fills in what a person has chosen. */
function filled(text: string): string {
  return text
    .replaceAll('$__rate_interval', '20s')
    .replaceAll('$connection', '.*')
    .replaceAll('$mapping', '.*')
    .replaceAll('$__timeFrom()', `'2026-01-01T00:00:00Z'`)
    .replaceAll('$__timeTo()', `'2099-01-01T00:00:00Z'`)
    .replaceAll('$table', 'public.items')
    .replaceAll('$key', '1');
}

describe.runIf(installed)('under load', () => {
  const database = useDatabase();
  const outbound = useOutbound(database);
  const { pool } = outbound;
  const folder = mkdtempSync(join(tmpdir(), 'tideway-prometheus-'));
  let server: ChildProcess | undefined;

  afterAll(async () => {
    if (server !== undefined && server.exitCode === null) {
      const ended = new Promise((done) => server?.once('exit', done));
      server.kill('SIGTERM');
      await ended;
    }
    await pool.query(`alter system reset max_slot_wal_keep_size`);
    await pool.query(`select pg_reload_conf()`);
    rmSync(folder, { recursive: true, force: true });
  });

  async function startPrometheus(door: string): Promise<(path: string, query?: string) => Promise<unknown>> {
    const port = await freePort();
    writeFileSync(
      join(folder, 'prometheus.yaml'),
      JSON.stringify({
        global: { scrape_interval: '1s', scrape_timeout: '1s', evaluation_interval: '2s' },
        rule_files: [resolve('grafana/alerts/tideway.yaml')],
        scrape_configs: [{ job_name: 'tideway', static_configs: [{ targets: [new URL(door).host] }] }],
      }),
    );
    server = spawn(
      prometheus,
      [
        `--config.file=${join(folder, 'prometheus.yaml')}`,
        `--storage.tsdb.path=${join(folder, 'data')}`,
        `--web.listen-address=127.0.0.1:${String(port)}`,
        '--log.level=error',
      ],
      { stdio: 'ignore' },
    );
    const ask = async (path: string, query?: string): Promise<unknown> => {
      const url = new URL(`http://127.0.0.1:${String(port)}/api/v1/${path}`);
      if (query !== undefined) url.searchParams.set('query', query);
      const { data, error } = (await (await fetch(url)).json()) as { data?: unknown; error?: string };
      if (error !== undefined) throw new Error(`${error}\n${query ?? path}`);
      return data;
    };
    await waitFor(() => ask('query', 'up'), { within: 20_000 });
    return ask;
  }

  test('every expression of a panel and of an alert has series, and every statement has rows', async () => {
    // What an idle test database does not have by itself: a limit for the slot, and a log that was sampled before.
    await pool.query(`alter system set max_slot_wal_keep_size = '10GB'`);
    await pool.query(`select pg_reload_conf()`);
    await pool.query(
      `insert into tideway_private.wal_samples (sampled_at, lsn) values (now() - interval '30 minutes', '0/1')`,
    );
    const items = await outbound.stage({
      direction: 'both',
      mapping: { schedule: '1 s', sweep_schedule: '3 s', read: { name: 'stock', key: 'id', ttl: '1 h' } },
      app: {
        tables: [
          {
            id: 'items',
            columns: [
              { id: 'ref', type: 'number' },
              { id: 'name', type: 'text', maxLength: 20 },
              { id: 'qty', type: 'number' },
            ],
          },
        ],
      },
    });
    const daemon = await outbound.daemon({ TIDEWAY_PUBLIC_URL: 'https://tideway.example.com' });
    const door = doorOf(daemon);
    const ask = await startPrometheus(door);
    const valueOf = async (query: string): Promise<number> => {
      const { result } = (await ask('query', query)) as { result: readonly { value: readonly [number, string] }[] };
      return Number(result[0]?.value[1] ?? 0);
    };
    await waitFor(async () => expect(await valueOf('tideway_mapping_linked_rows')).toBe(0), { within: 20_000 });

    await pool.query(`insert into items select i, 'n' || i, i from generate_series(1, 50) i`);
    await pool.query(`insert into items values (99, repeat('x', 30), 1)`);
    const { rows: urls } = await pool.query<{ url: string }>(`select tideway.webhook_url('items') as url`);
    const bell = `${door}${new URL(urls[0]?.url ?? '').pathname}`;

    // A load goes on while the panels are asked, as rates want.
    let loading = true;
    const load = (async () => {
      for (let at = 0; loading; at += 1) {
        await pool.query(`update items set qty = $1 where id = 1 + $1 % 20`, [at]);
        await pool.query(`update items set name = repeat('y', 30 + $1 % 5) where id = 99`, [at]);
        items.edit({ op: 'create', values: { ref: 1000 + at, name: 'theirs', qty: at } });
        await fetch(bell, { method: 'POST', body: '{}' });
        await fetch(`${door}/read/stock/1`);
        await new Promise((done) => setTimeout(done, 300));
      }
    })();
    try {
      for (const { panel, expr } of expressions) {
        const query = filled(expr);
        await waitFor(
          async () => {
            const { result } = (await ask('query', query)) as {
              result: readonly { value: readonly [number, string] }[];
            };
            expect(result.length, `${panel}\n${query}`).toBeGreaterThan(0);
            expect(
              result.map(({ value }) => value[1]).filter((value) => value !== 'NaN').length,
              `${panel} is not a number\n${query}`,
            ).toBeGreaterThan(0);
          },
          { within: 40_000 },
        );
      }

      const { groups } = (await ask('rules')) as { groups: readonly { rules: readonly Rule[] }[] };
      const rules = groups.flatMap((group) => group.rules);
      expect(rules.length).toBeGreaterThan(15);
      for (const { name, query, health, lastError } of rules) {
        expect(health, `${name}: ${lastError ?? ''}`).toBe('ok');
        for (const [selector] of query.matchAll(/\b(?:tideway_\w+|up)(?:\{[^}]*\})?/g)) {
          const { result } = (await ask('query', selector)) as { result: readonly unknown[] };
          expect(result.length, `${name}: ${selector}`).toBeGreaterThan(0);
        }
      }
      await waitFor(
        async () => expect(await valueOf('count(ALERTS{alertname="TidewayManyErrors",alertstate="firing"})')).toBe(1),
        {
          within: 20_000,
        },
      );

      for (const { name, title, rawSql } of statements) {
        for (const role of name === 'sql-insight' ? ['tideway_reader'] : ['tideway_reader', 'tideway_monitor']) {
          await database.rolledBack(async (session) => {
            await plantWhatWaits(session);
            await session.query(`set local role ${role}`);
            const { rows } = await session.query(filled(rawSql));
            expect(rows.length, `${name}: ${title} as ${role}`).toBeGreaterThan(0);
          });
        }
      }
    } finally {
      loading = false;
      await load;
    }
  });
});

/** What a short load does not bring about: it stays until somebody decides, or takes long. */
async function plantWhatWaits(session: ClientBase): Promise<void> {
  await session.query(`
      insert into tideway.sync_progress (sync_id, entity_type, total_items, processed_count, started_at)
      values ('running', 'orders', 100, 40, now() - interval '10 minutes'), ('slow', 'orders', 100, 3, now() - interval '10 minutes')`);
  await session.query(`
      insert into tideway.conflicts (org_id, mapping_id, local_key, "column", kind, policy)
      select org_id, id, '1', 'name', 'update_origin_differs', 'manual' from tideway.mappings`);
  await session.query(`
      with l as (insert into tideway_private.links (mapping, org_id, local_key, remote_id, lane)
                 select number, org_id, '-1', 'gone', 0 from tideway.mappings returning id, mapping, org_id)
      insert into tideway_private.deletions (mapping, org_id, link_id, gone_side, state)
      select mapping, org_id, id, 'remote', 'held' from l`);
}
