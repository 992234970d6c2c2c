import { setTimeout as sleep } from 'node:timers/promises';
import type { Database } from '../sql/database.ts';
import { watchRun, type RunState } from '../sql/requests/watch-run.ts';
import { hint } from './command.ts';
import { bar, counted, liveLine } from './terminal.ts';

const LOOK_EVERY = 250;
const NOBODY_AFTER = 10_000;

/** Shows how a run gets on until it has ended; an interrupted run is taken up by the next daemon, so it has not. */
export async function followRun(database: Database, mapping: string, run: string): Promise<RunState> {
  const began = performance.now();
  const line = liveLine();
  try {
    for (let told = false; ;) {
      const state = await watchRun(database, run);
      if (state && ['completed', 'completed_with_errors', 'failed', 'cancelled'].includes(state.status)) return state;
      if (!told && state?.status === 'pending' && performance.now() - began > NOBODY_AFTER) {
        told = true;
        line.end();
        hint(
          `Nobody has taken run ${run} yet. Does a daemon run (tideway start)? It stays asked for, also when you stop waiting.`,
        );
      }
      if (state) line.show(`${mapping}: ${progress(state)}`);
      await sleep(LOOK_EVERY);
    }
  } finally {
    line.end();
  }
}

function progress({ status, kind, read, total, failed }: RunState): string {
  if (status !== 'running') return `${kind} ${status}`;
  const rows = total === null ? `${counted(read)} rows` : `${counted(read)} of ${counted(total)} rows`;
  return [kind, bar(read, total), rows, failed === 0 ? '' : `${counted(failed)} failed`]
    .filter((part) => part !== '')
    .join('  ');
}

export function summary(mapping: string, { status, kind, read, error, ...counts }: RunState): string {
  const parts = (['created', 'updated', 'deleted', 'failed', 'held', 'pushed'] as const)
    .filter((name) => counts[name] > 0)
    .map((name) => `${String(counts[name])} ${name}`);
  const what = parts.length === 0 ? 'nothing changed' : parts.join(', ');
  return `${mapping}: ${kind} ${status.replaceAll('_', ' ')}, ${String(read)} read, ${what}${error === null ? '' : `\n${error}`}`;
}
