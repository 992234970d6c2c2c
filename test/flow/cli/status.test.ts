import { expect, test } from 'vitest';
import { tideway } from '../../support/command.ts';
import { hasTerminal, onTerminal } from '../../support/on-terminal.ts';
import { runningTideway } from '../../support/running-command.ts';
import { waitFor } from '../../support/wait-for.ts';
import { useOutbound } from '../outbound/stage.ts';

const outbound = useOutbound();
const { pool } = outbound;
const env = { DATABASE_URL: outbound.url };

test('status says what needs a person first, then how every mapping stands', async () => {
  expect(await tideway(['status'], { env })).toMatchObject({
    code: 0,
    out: expect.stringContaining('There is no mapping yet.') as string,
  });
  const items = await outbound.stage();
  await outbound.daemon();
  await pool.query(`insert into items select i, 'n', i from generate_series(1, 1200) i`);
  await waitFor(() => expect(items.app.records('items')).toHaveLength(1200), { within: 30_000 });
  await outbound.settled();
  await pool.query(`insert into tideway.sync_progress (sync_id, entity_type, total_items, processed_count, started_at)
                    values ('running', 'orders', 100, 25, now() - interval '10 minutes')`);
  await pool.query(`select tideway.record_sync_error('items', 'API_ERROR', 'the warehouse said no', null, 'stock')`);

  const { out } = await tideway(['status'], { env });
  expect(out).toMatch(/^error {4}mapping items: 1 errors are open.*\n {9}select \* from tideway.failed_rows/m);
  expect(out).toMatch(/^log {6}slot \S+: followed, \d s behind, \d+ \wB kept/m);
  expect(out).toMatch(/^running {2}orders {2}\[#{6}-{18}\] {2}25 % 25 rows, [\d.,]+ a minute, \d+ min left$/m);
  expect(out).toMatch(/^items +items +active +push +1,200 +0 +1 +0 +0 +/m);
  // One screen: findings, log, syncs, the table.
  expect(out.indexOf('error')).toBeLessThan(out.indexOf('mapping  '));

  const { out: json } = await tideway(['status', '--json'], { env });
  expect(JSON.parse(json)).toMatchObject({
    findings: expect.any(Array) as unknown[],
    mappings: [{ mapping: 'items' }],
  });
});

test('--watch shows it again and again, and ends by Ctrl-C', async () => {
  const watch = runningTideway(['status', '--watch'], env);
  await waitFor(() => watch.text().split('There is no mapping yet.').length > 2, { within: 20_000 });
  expect(await watch.end('SIGINT')).toBe(0);
});

test.runIf(hasTerminal('the progress bars of sync and backfill'))(
  'on a terminal, sync and backfill show how far they are',
  async () => {
    const items = await outbound.stage({
      direction: 'both',
      mapping: { schedule: 'manual', sweep_schedule: 'manual' },
    });
    for (let ref = 1; ref <= 3; ref += 1) items.edit({ op: 'create', values: { ref, name: 'x', qty: ref } });
    await outbound.daemon();
    await waitFor(async () =>
      expect((await pool.query(`select from tideway.mappings where state = 'active'`)).rowCount).toBe(1),
    );
    expect(await onTerminal('sync items --mode full', env)).toMatch(
      /\[Kitems: full (pending|running|\[).*items: full completed, 3 read/s,
    );
    expect(await onTerminal('backfill items --wait', env)).toMatch(
      /items: backfill .*items: backfill completed, 3 rows handed over/s,
    );
    expect(await tideway(['backfill', 'items', '--wait'], { env })).toEqual({
      code: 0,
      err: '',
      out: 'items: backfill completed, 3 rows handed over\n',
    });
  },
);

test('where there is no terminal, a run that takes long says now and then how far it is, in lines of their own', async () => {
  const items = await outbound.stage({
    direction: 'both',
    app: { recordsPerPage: 1 },
    settings: { records_per_page: 1 },
    mapping: { schedule: 'manual', sweep_schedule: 'manual' },
  });
  await outbound.daemon();
  await waitFor(async () =>
    expect((await pool.query(`select from tideway.mappings where state = 'active'`)).rowCount).toBe(1),
  );
  for (let ref = 1; ref <= 3; ref += 1) items.edit({ op: 'create', values: { ref, name: 'x', qty: ref } });
  items.app.fail({ method: 'GET', path: '/records', after: 1, with: { kind: 'delay', milliseconds: 7_000 } });
  const { code, out, err } = await tideway(['sync', 'items', '--mode', 'full'], { env });
  expect({ code, out }).toMatchObject({
    code: 0,
    out: expect.stringContaining('items: full completed, 3 read') as string,
  });
  expect(err).toMatch(/^(items: full {2}(\[#*-*\] +\d+ % {2})?1( of 3)? rows\n)+$/);
});
