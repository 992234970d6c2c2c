import { expect, test } from 'vitest';
import { useOutbound } from '../flow/outbound/stage.ts';
import { waitFor } from '../support/wait-for.ts';
import { violations } from './checker.ts';
import { createDraws } from './draws.ts';
import { World } from './world.ts';

const flow = useOutbound();
const { pool } = flow;

/** Replaces text in one function of the test database; gives back what undoes it. */
async function breakFunction(name: string, from: string, to: string): Promise<() => Promise<void>> {
  const { rows } = await pool.query<{ text: string }>(
    `select pg_get_functiondef(p.oid) as text from pg_proc p where p.pronamespace = 'tideway_private'::regnamespace and p.proname = $1`,
    [name],
  );
  const text = rows[0]?.text ?? '';
  expect(text.split(from)).toHaveLength(2);
  await pool.query(text.replace(from, () => to));
  return async () => {
    await pool.query(text);
  };
}

/** What the checker says of a build in which people write and an app loses its answers. */
async function judge(): Promise<string[]> {
  const world = await World.begin(flow, createDraws(1), 1, false);
  const [stage] = world.stages;
  if (stage === undefined) throw new Error('There is no app.');
  stage.app.fail({ path: '/write', with: { kind: 'drop_answer' } });
  const daemon = await flow.daemon();
  await pool.query(`insert into public.items values (1, 'v1', 101)`);
  await waitFor(() => stage.app.records('items').length > 0);
  await flow.settled();
  await pool.query(`update public.items set name = 'v2'`);
  stage.edit({ op: 'create', values: { ref: 3, name: 'v3', qty: 103 } });
  await waitFor(async () => (await pool.query(`select from public.items where id = 3`)).rowCount === 1);
  await flow.followed();
  await flow.settled();
  await daemon.stop();
  return violations(await world.history(), { deletionsFound: true });
}

test('the checker has nothing to say of the build as it is', async () => {
  expect(await judge()).toEqual([]);
});

const broken = [
  {
    what: 'no look-up before a create',
    name: 'plan_push',
    from: `when i.remote_id is null then 'lookup'\n           when i.remote_gone_at`,
    to: `when i.remote_id is null then 'create'\n           when i.remote_gone_at`,
    says: /I-DUP/,
  },
  {
    what: 'a position that moves on without its marks',
    name: 'mark_changes',
    from: `and m.activated_at is not null\n   cross join lateral`,
    to: `and m.activated_at is not null and false\n   cross join lateral`,
    says: /I-EQUAL|I-LOSS/,
  },
];
for (const { what, name, from, to, says } of broken)
  test(`the checker sees ${what}`, async () => {
    const mend = await breakFunction(name, from, to);
    try {
      expect((await judge()).join('\n')).toMatch(says);
    } finally {
      await mend();
    }
  });
