import { expect, test } from 'vitest';
import { ended, sync } from '../flow/inbound/sync.ts';
import { useOutbound } from '../flow/outbound/stage.ts';
import { waitFor } from '../support/wait-for.ts';
import { plain } from './apps/plain.ts';
import type { Side } from './apps/side.ts';
import { violations } from './checker.ts';
import { createDraws } from './draws.ts';
import { Keeper } from './keeper.ts';
import { World } from './world.ts';

const flow = useOutbound();
const { pool } = flow;

interface Edit {
  readonly name: string;
  readonly from: string;
  readonly to: string;
}

/** Replaces text in functions of the test's own database; gives back what undoes it. */
async function breakFunctions(edits: readonly Edit[]): Promise<() => Promise<void>> {
  const whole = new Map<string, string>();
  for (const { name, from, to } of edits) {
    const { rows } = await pool.query<{ text: string }>(
      `select pg_get_functiondef(p.oid) as text from pg_proc p where p.pronamespace = 'tideway_private'::regnamespace and p.proname = $1`,
      [name],
    );
    const text = rows[0]?.text ?? '';
    expect(text.split(from)).toHaveLength(2);
    if (!whole.has(name)) whole.set(name, text);
    await pool.query(text.replace(from, () => to));
  }
  return async () => {
    for (const text of whole.values()) await pool.query(text);
  };
}

interface Scene {
  readonly world: World;
  readonly side: Side;
  readonly keeper: Keeper;
}

/** What the checker says after a scene that begins with one row which both sides know. */
async function judge(act: (scene: Scene) => Promise<void>, answered: boolean): Promise<string[]> {
  // An app without idempotency keys, read without overlap: nothing but Tideway's order keeps it from doubles and gaps.
  const world = await World.begin(flow, { ...createDraws(1), chance: () => false }, [plain], {
    settings: { overlap: 0 },
  });
  const side = world.only;
  const keeper = new Keeper(flow, world.env);
  await keeper.start();
  await pool.query(`insert into public.items values (1, 'v1', 101)`);
  await world.shows(side, [[1, 'v1', 101]]);
  await flow.settled();
  await act({ world, side, keeper });
  if (keeper.isDead) await keeper.start();
  await flow.followed();
  await flow.settled();
  const said = violations(await world.history(), { deletionsFound: true, answered });
  await keeper.kill();
  return said;
}

const scenes = {
  async lostCreate({ side }: Scene) {
    // A read that shows the record would settle it before the push comes again.
    for (let read = 0; read < 6; read += 1)
      side.fail({ method: 'GET', path: '/records', with: { kind: 'status', status: 500 } });
    side.fail({ path: '/write', with: { kind: 'drop_answer' } });
    await pool.query(`insert into public.items values (2, 'v2', 102)`);
    await waitFor(() => side.record(2) !== undefined);
  },
  async editInApp({ side, world }: Scene) {
    side.edit(1, { name: 'v2' });
    await world.holds([[1, 'v2', 101]]);
  },
  async lostUpdate({ side }: Scene) {
    side.fail({ path: '/write', with: { kind: 'drop_answer' } });
    await pool.query(`update public.items set name = 'v2'`);
    await waitFor(() => side.record(1)?.values.name === 'v2');
    await pool.query(`update public.items set name = 'v3'`);
    await ended(pool, await sync(pool, 'delta', '', side.name), side.name);
  },
  async deadFollower({ keeper }: Scene) {
    await keeper.kill();
    await pool.query(`insert into public.items values (2, 'v2', 102)`);
    await keeper.start('follow.read');
    await keeper.death;
  },
  async deadReader({ side, keeper }: Scene) {
    await keeper.kill();
    side.edit(1, { name: 'v2' });
    await keeper.start('pull.fetched');
    await keeper.death;
  },
};

/** As a build that stores the position when it receives changes, and not with their marks, would have left it. */
async function acknowledged(): Promise<void> {
  await pool.query(`update tideway_private.positions set lsn = pg_current_wal_lsn()`);
}

/** As a build that stores the cursor of a page before its rows would have left it. */
async function moved(): Promise<void> {
  const { rowCount } = await pool.query(
    `update tideway_private.cursors set cursor = jsonb_build_object('since', to_char(clock_timestamp() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')) where kind = 'changes'`,
  );
  expect(rowCount).toBe(1);
}

const builds: readonly {
  readonly what: string;
  readonly scene: keyof typeof scenes;
  readonly edits?: readonly Edit[];
  readonly after?: () => Promise<void>;
  readonly answered?: boolean;
  readonly says: RegExp;
}[] = [
  {
    what: 'acknowledges changes when it receives them',
    scene: 'deadFollower',
    after: acknowledged,
    says: /I-EQUAL/,
  },
  {
    what: 'has no echo guard',
    scene: 'editInApp',
    edits: [
      {
        name: 'unchanged_rows',
        from: `if map.local_filter is not null or`,
        to: `if true or map.local_filter is not null or`,
      },
      {
        name: 'plan_push',
        from: `and i.op & 8 = 0\n                                and not coalesce(i.sent ? c.field, false)`,
        to: `and false`,
      },
      {
        name: 'plan_push',
        from: `f.again or coalesce(f.uncertain, false) or f.local_before is null or`,
        to: `true or`,
      },
      { name: 'plan_push', from: `not f.again and not coalesce(f.uncertain, false)\n`, to: `false\n` },
    ],
    answered: true,
    says: /I-QUIET/,
  },
  {
    what: 'does not look before it creates again',
    scene: 'lostCreate',
    edits: [
      {
        name: 'plan_push',
        from: `when i.remote_id is null then 'lookup'\n             when i.remote_gone_at`,
        to: `when i.remote_id is null then 'create'\n             when i.remote_gone_at`,
      },
    ],
    says: /I-DUP/,
  },
  {
    what: 'stores the cursor before the rows',
    scene: 'deadReader',
    after: moved,
    says: /I-EQUAL/,
  },
  {
    what: 'forgets what it sent',
    scene: 'lostUpdate',
    edits: [
      {
        name: 'merge_records',
        from: `l.sent, l.sent_local, coalesce(l.sent_before, '{}')`,
        to: `null::jsonb as sent, null::jsonb as sent_local, '{}'::jsonb`,
      },
      // It does not know either that it should look first.
      { name: 'prepare_push', from: 'l.resent <> 1 and v_map', to: 'false and v_map' },
    ],
    says: /I-ORDER|I-LOSS/,
  },
];

// The convergence test says the rest of the build as it is; `npm run test:crash` tries every scene.
const whole = process.env.TIDEWAY_TEST_CRASH === 'all';
for (const [name, scene] of Object.entries(scenes).filter(([name]) => whole || name === 'editInApp'))
  test(`the checker has nothing to say of the build as it is (${name})`, async () => {
    expect(await judge(scene, name === 'editInApp')).toEqual([]);
  });

for (const { what, scene, edits = [], after, answered = false, says } of builds)
  test(`the checker sees a build that ${what}`, async () => {
    const mend = await breakFunctions(edits);
    try {
      const said = await judge(async (all) => {
        await scenes[scene](all);
        await after?.();
      }, answered);
      expect(said.join('\n')).toMatch(says);
    } finally {
      await mend();
    }
  });

test('the checker sees a build that merges what it read before it held the lock', async () => {
  const mend = await breakFunctions([
    {
      name: 'write_records',
      from: `into v_locked using sql ->> 'lock_rows', v_sought`,
      to: `into v_locked using sql ->> 'read_rows', v_sought`,
    },
    {
      name: 'write_records',
      from: `  perform set_config('lock_timeout', '250ms', true);`,
      to: `  perform pg_advisory_xact_lock_shared(4711);\n  if v_sought is not null then execute format('select array_agg(r.key) from tideway_run.%I($1, null, $2, null) r', map.run_as) into v_locked using sql ->> 'lock_rows', v_sought; end if;\n  perform set_config('lock_timeout', '250ms', true);`,
    },
  ]);
  const gate = await pool.connect();
  try {
    const said = await judge(async ({ side, world }) => {
      await gate.query('select pg_advisory_lock(4711)');
      side.edit(1, { name: 'v2' });
      await waitFor(
        async () =>
          (await pool.query(`select from pg_locks where locktype = 'advisory' and objid = 4711 and not granted`))
            .rowCount === 1,
      );
      await pool.query(`update public.items set name = 'v3'`);
      await gate.query('select pg_advisory_unlock(4711)');
      await world.holds([[1, 'v2', 101]]);
    }, false);
    expect(said.join('\n')).toMatch(/I-LOSS/);
  } finally {
    gate.release(true);
    await mend();
  }
});
