import { expect, test } from 'vitest';
import { tideway } from '../../support/command.ts';
import { waitFor } from '../../support/wait-for.ts';
import { useOutbound } from '../outbound/stage.ts';

const flow = useOutbound();
const { pool } = flow;

test('tideway sync waits for the end of the run, prints the counts, and says by its exit code how it went', async () => {
  const stage = await flow.stage({ direction: 'pull', mapping: { schedule: 'manual', sweep_schedule: 'manual' } });
  for (const ref of [1, 2, 3]) stage.edit({ op: 'create', values: { ref, name: 'x', qty: ref } });
  await flow.daemon();
  await waitFor(async () =>
    expect((await pool.query(`select from tideway.mappings where state = 'active'`)).rowCount).toBe(1),
  );
  const env = { DATABASE_URL: flow.url };
  expect(await tideway(['sync', 'items'], { env })).toEqual({
    code: 0,
    err: '',
    out: 'items: delta completed, 3 read, 3 created\n',
  });
  stage.edit({ op: 'delete', id: stage.record(2)?.id ?? '' });
  expect(await tideway(['sync', 'items', '--mode', 'sweep'], { env })).toMatchObject({
    code: 0,
    out: 'items: sweep completed, 2 read, 1 deleted\n',
  });
  stage.app.fail({ path: '/records', count: 10, with: { kind: 'status', status: 404 } });
  const failed = await tideway(['sync', 'items', '--mode', 'full'], { env });
  expect(failed.code).toBe(1);
  expect(failed.out).toMatch(/^items: full failed, 0 read, nothing changed\n[A-Z_]+: /);
  expect(await tideway(['sync', 'items', '--mode', 'all'], { env })).toMatchObject({ code: 1 });
});
