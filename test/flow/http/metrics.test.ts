import { expect, test } from 'vitest';
import { waitFor } from '../../support/wait-for.ts';
import { useOutbound } from '../outbound/stage.ts';
import { doorOf } from './door.ts';

const outbound = useOutbound();
const { pool } = outbound;

/** The value of the one series that a text of Prometheus names; undefined while it is not there. */
function valueOf(text: string, series: string): number | undefined {
  const line = text.split('\n').find((one) => one.startsWith(`${series} `));
  return line === undefined ? undefined : Number(line.slice(series.length + 1));
}

const OURS = 'mapping="items",connection="items",system="plain"';

test('a scrape tells of both directions, of the log, and of what Postgres knows', async () => {
  const items = await outbound.stage({ direction: 'both', mapping: { schedule: '1 s' } });
  await pool.query(`insert into items select i, 'n' || i, i from generate_series(1, 20) i`);
  const daemon = await outbound.daemon();
  const metrics = `${doorOf(daemon)}/metrics`;
  const scrape = async (): Promise<string> => (await fetch(metrics)).text();
  await waitFor(() => items.writes() > 0, { within: 20_000 });
  await outbound.settled();
  await pool.query(`update items set qty = 100 where id = 1`);
  await outbound.settled();
  items.edit({ op: 'create', values: { ref: 21, name: 'theirs', qty: 1 } });
  await waitFor(async () => expect((await pool.query(`select from items where id = 21`)).rowCount).toBe(1));

  await waitFor(
    async () => {
      const text = await scrape();
      const value = (series: string): number | undefined => valueOf(text, series);
      expect(value(`tideway_push_rows_total{${OURS},result="written"}`)).toBe(21);
      expect(value(`tideway_pull_records_total{${OURS},result="created"}`)).toBe(1);
      // Our own writes came back with a read, and what a read wrote came back through the log.
      expect(value(`tideway_pull_records_total{${OURS},result="unchanged"}`)).toBeGreaterThan(0);
      expect(value(`tideway_push_rows_total{${OURS},result="unchanged"}`)).toBeGreaterThan(0);
      // Rows that were there before were asked for, so only the one change has an age.
      expect(value(`tideway_push_lag_seconds_count{${OURS}}`)).toBe(1);
      expect(value(`tideway_pull_lag_seconds_count{${OURS}}`)).toBeGreaterThan(0);
      expect(value(`tideway_syncs_total{${OURS},kind="push",result="completed"}`)).toBeGreaterThan(1);
      // Zeros of what has not failed yet, so that the first failure is an increase.
      expect(value(`tideway_syncs_total{${OURS},kind="push",result="failed"}`)).toBe(0);
      expect(value(`tideway_errors_total{${OURS},direction="pull",class="NETWORK_ERROR"}`)).toBe(0);
      expect(value(`tideway_mapping_linked_rows{${OURS}}`)).toBe(21);
      expect(value(`tideway_outbox_rows{${OURS},state="marked"}`)).toBe(0);
      expect(value(`tideway_mapping_interval_seconds{${OURS}}`)).toBeLessThan(5);
      expect(value(`tideway_connection_owned{connection="items",system="plain"}`)).toBe(1);
      expect(value(`tideway_entity_health{entity="mapping",name="items",state="active"}`)).toBe(1);
      expect(value(`tideway_entity_health{entity="mapping",name="items",state="paused"}`)).toBe(0);
      expect(value(`tideway_follower_state{state="following"}`)).toBe(1);
      expect(value(`tideway_wal_heartbeat_round_trip_seconds`)).toBeGreaterThan(0);
      expect(value(`tideway_follow_changes_total`)).toBeGreaterThan(1);
      expect(value(`tideway_rate_limit_requests_left{connection="items",system="plain"}`)).toBeGreaterThan(0);
      expect(text).toMatch(
        /tideway_app_requests_total\{connection="items",system="plain",lane="push",outcome="2xx"\} \d/,
      );
      expect(text).toMatch(/tideway_mapping_last_success_timestamp_seconds\{.*mode="any"\} \d/);
      expect(value(`tideway_database_up`)).toBe(1);
    },
    { within: 20_000 },
  );
});

test('while there are several organisations, labels carry a short id', async () => {
  const items = await outbound.stage();
  await pool.query(`insert into tideway.organisations (org_id) values ('other')`);
  try {
    const daemon = await outbound.daemon();
    await items.shows([]);
    const { rows } = await pool.query<{ id: string; account: string }>(
      `select left(m.id::text, 8) as id, left(c.id::text, 8) as account
         from tideway.mappings m join tideway.connections c on c.id = m.connection_id`,
    );
    const [{ id, account }] = rows as [{ id: string; account: string }];
    await waitFor(async () => {
      const text = await (await fetch(`${doorOf(daemon)}/metrics`)).text();
      expect(text).toContain(
        `tideway_outbox_rows{mapping="items~${id}",connection="items~${account}",system="plain",state="marked"} 0`,
      );
    });
  } finally {
    await pool.query(`delete from tideway.organisations where org_id = 'other'`);
  }
});
