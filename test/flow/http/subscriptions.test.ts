import { createServer } from 'node:net';
import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { waitFor } from '../../support/wait-for.ts';
import { useOutbound } from '../outbound/stage.ts';

const flow = useOutbound();
const { pool } = flow;

const sealKey = `k1:${randomBytes(32).toString('base64')}`;
const create = (ref: number, name: string, qty: number) => ({ op: 'create', values: { ref, name, qty } }) as const;
const kept = async () =>
  (
    await pool.query<{ id: string | null; problem: string | null; url: string }>(
      `select known ->> 'id' as id, problem, url from tideway_private.subscriptions`,
    )
  ).rows;

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' ? (address?.port ?? 0) : 0;
}

test('with a public address the app is asked to ring, signs with its own secret, and is asked again when it forgot', async () => {
  const port = await freePort();
  const stage = await flow.stage({ direction: 'pull', mapping: { schedule: '1 h' } });
  await flow.daemon({
    TIDEWAY_HTTP_PORT: String(port),
    TIDEWAY_PUBLIC_URL: `http://127.0.0.1:${String(port)}/`,
    TIDEWAY_SEAL_KEY: sealKey,
  });
  await waitFor(async () => expect(await kept()).toMatchObject([{ problem: null }]));
  const { rows } = await pool.query<{ url: string }>(`select tideway.webhook_url('items') as url`);
  const [first] = await kept();
  expect(first?.url).toBe(rows[0]?.url);
  await waitFor(async () =>
    expect((await pool.query(`select from tideway.sync_runs where status = 'completed'`)).rowCount).toBe(1),
  );
  stage.edit(create(1, 'hammer', 1));
  await stage.holds([[1, 'hammer', 1]]);

  await pool.query(
    `update tideway_private.subscriptions set due_at = now(), known = jsonb_set(known, '{id}', '"gone"')`,
  );
  await waitFor(async () => {
    const [again] = await kept();
    expect(again?.id).not.toBe('gone');
    expect(again?.id).not.toBe(first?.id);
  });
  stage.edit(create(2, 'saw', 2));
  await stage.holds([
    [1, 'hammer', 1],
    [2, 'saw', 2],
  ]);
  await stage.app.webhooksQuiet();
});

test('an app that cannot be asked is polled, and health says why', async () => {
  // Without a key the secret that the app gives out cannot be kept.
  await flow.stage({ direction: 'pull' });
  await flow.daemon({ TIDEWAY_PUBLIC_URL: 'https://tideway.example.com' });
  await waitFor(async () =>
    expect((await pool.query(`select what from tideway.health where what like '%asked to ring%'`)).rows).toEqual([
      { what: expect.stringContaining('key for sealed secrets') as unknown },
    ]),
  );
  await waitFor(async () =>
    expect((await pool.query(`select from tideway.sync_runs where status = 'completed'`)).rowCount).toBe(1),
  );
});
