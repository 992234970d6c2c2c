import { readFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { expect, onTestFailed } from 'vitest';
import type { Pool } from 'pg';
import type { RunningDaemon } from '../support/daemon.ts';
import { fencedBlocks } from '../support/fenced-blocks.ts';

interface Recipe {
  /** Every statement of the page, in its order. */
  readonly statements: readonly string[];
  /** Runs the one statement that holds these words. */
  run<Row extends object>(words: string): Promise<Row[]>;
  /** Runs the statements up to and with the one that holds these words. */
  runUpTo(words: string): Promise<void>;
}

/** A page, with some of its words replaced by those of a stand-in. */
export function recipe(pool: Pool, page: string, replace: Readonly<Record<string, string>>): Recipe {
  const statements = fencedBlocks(readFileSync(page, 'utf8')).map((sql) =>
    Object.entries(replace).reduce((text, [from, to]) => text.replaceAll(from, to), sql),
  );
  for (const words of Object.values(replace)) expect(statements.join('\n')).toContain(words);
  return {
    statements,
    run: async <Row extends object>(words: string) => {
      const found = statements.filter((sql) => sql.includes(words));
      expect(found, words).toHaveLength(1);
      const answers = (await pool.query(found[0] ?? '')) as unknown as { rows: Row[] } | { rows: Row[] }[];
      return Array.isArray(answers) ? answers.flatMap(({ rows }) => rows) : answers.rows;
    },
    runUpTo: async (words) => {
      const last = statements.findIndex((sql) => sql.includes(words));
      expect(last, words).toBeGreaterThanOrEqual(0);
      for (const sql of statements.slice(0, last + 1)) await pool.query(sql);
    },
  };
}

/** For a person who looks at a failed test. */
export function tellOnFailure(pool: Pool, daemon: RunningDaemon): void {
  onTestFailed(async () => {
    const { rows } = await pool.query(
      `select to_jsonb(e) - 'payload' as error from tideway.sync_errors e where resolved_at is null limit 10`,
    );
    const { rows: states } = await pool.query(`select name, state, paused_reason from tideway.mappings`);
    console.error(daemon.log().slice(-6000), JSON.stringify([rows, states], null, 1));
  });
}

/** Tells how long each part of a run at full size took, when one was asked for. */
export function stopwatch(wanted: boolean): (part: string, rows: number, more?: string) => void {
  let last = performance.now();
  return (part, rows, more = '') => {
    const seconds = (performance.now() - last) / 1000;
    last = performance.now();
    if (!wanted) return;
    const speed = `${seconds.toFixed(1)} s, ${(rows / seconds).toFixed(1)} rows/s`;
    console.log(`${part}: ${speed}, load ${(loadavg()[0] ?? 0).toFixed(1)}${more === '' ? '' : `, ${more}`}`);
  };
}
