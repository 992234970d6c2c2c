import { setTimeout as pause } from 'node:timers/promises';
import type { useOutbound } from '../flow/outbound/stage.ts';
import type { Draws } from '../faults/draws.ts';
import { boundOf, PARTITIONS, type World } from '../faults/world.ts';
import type { Daemons } from './daemons.ts';

export interface Trouble {
  readonly name: string;
  /** Ends the life of the daemon that works. */
  readonly deadly: boolean;
  readonly make: () => Promise<void>;
}

interface Scene {
  readonly flow: ReturnType<typeof useOutbound>;
  readonly draws: Draws;
  readonly worlds: readonly World[];
}

/** What happens to the daemons and to their connections. */
export function daemonTroubles({ flow, draws }: Scene, daemons: Daemons): Trouble[] {
  return [
    { name: 'kills', deadly: true, make: () => daemons.replaceKilled() },
    { name: 'hand-overs', deadly: true, make: () => daemons.handOver() },
    {
      name: 'second daemons',
      deadly: false,
      make: async () => {
        const second = await daemons.begin();
        await pause(draws.below(4_000));
        await daemons.stop(second);
      },
    },
    {
      name: 'replication connections ended',
      deadly: false,
      make: async () => {
        await flow.pool.query(
          'select pg_terminate_backend(active_pid) from pg_replication_slots where slot_name = $1 and active',
          [flow.slot],
        );
      },
    },
  ];
}

/** What people who own tables, and operators, do meanwhile. */
export function tableTroubles({ flow, draws, worlds }: Scene): Trouble[] {
  const { pool } = flow;
  const { pick, below } = draws;
  const split = worlds.filter(({ partitioned }) => partitioned);
  let [number, width] = [0, 40];
  return [
    {
      name: 'columns added and dropped',
      deadly: false,
      make: async () => {
        const { table } = pick(worlds);
        number += 1;
        await pool.query(`alter table public.${table} add column note${String(number)} text default 'none'`);
        await pause(below(2_000));
        await pool.query(`alter table public.${table} drop column note${String(number)}`);
      },
    },
    {
      name: 'columns widened',
      deadly: false,
      make: async () => {
        const world = pick(worlds);
        width += 10;
        await pool.query(`alter table public.${world.table} alter column name type varchar(${String(width)})`);
        // Meanwhile Tideway stops by itself; a person lets it go on.
        await pause(below(4_000));
        await world.map();
        await resumeStopped(flow, world.names);
      },
    },
    {
      name: 'partitions away for a while',
      deadly: false,
      make: async () => {
        const { table } = pick(split);
        const part = below(PARTITIONS);
        const name = `public.${table}_${String(part)}`;
        await pool.query(`alter table public.${table} detach partition ${name}`);
        await pause(below(4_000));
        await pool.query(`alter table public.${table} attach partition ${name} ${boundOf(part)}`);
      },
    },
    {
      name: 'pauses',
      deadly: false,
      make: async () => {
        const name = pick(worlds.flatMap(({ names }) => names));
        await pool.query('select tideway.pause($1)', [name]);
        await pause(below(4_000));
        await pool.query('select tideway.resume($1)', [name]);
      },
    },
    {
      name: 'sweeps',
      deadly: false,
      make: async () => {
        // Another trouble may have paused it just now.
        await pool.query(
          `select tideway.sweep(m.name) from tideway.mappings m where m.name = $1 and m.state = 'active'`,
          [pick(worlds.flatMap(({ names }) => names))],
        );
      },
    },
  ];
}

/** A report that somebody forgot: no old row can be cleaned away meanwhile. */
export function snapshotTrouble({ flow }: Scene, milliseconds: number): Trouble {
  return {
    name: 'snapshots held',
    deadly: false,
    make: async () => {
      const client = await flow.pool.connect();
      await client.query('begin isolation level repeatable read; select count(*) from pg_class');
      await pause(milliseconds);
      await client.query('commit');
      client.release();
    },
  };
}

/** Lets mappings go on that were stopped; false when none of them was. */
export async function resumeStopped({ pool }: Scene['flow'], names: readonly string[]): Promise<boolean> {
  const { rows } = await pool.query(
    `select tideway.resume(m.name) from tideway.mappings m where m.state = 'paused' and m.name = any ($1)`,
    [names],
  );
  return rows.length > 0;
}
