import { setTimeout as sleep } from 'node:timers/promises';
import { callPublic } from '../sql/call-public.ts';
import type { Database } from '../sql/database.ts';
import { watchRun, type RunState } from '../sql/requests/watch-run.ts';
import { withDatabase } from './ask-database.ts';
import { exitCodes, hint, say } from './command.ts';
import type { Command } from './command.ts';

const LOOK_EVERY = 250;
const NOBODY_AFTER = 10_000;

export const syncCommand: Command = {
  name: 'sync',
  summary: 'Reads a mapping from its app now, waits for the end and says what changed.',
  usage: 'sync <mapping> [--mode delta|full|sweep] [--no-wait]',
  options: { mode: { type: 'string' }, 'no-wait': { type: 'boolean' } },
  about: {
    mode: 'delta (what changed; the default), full (every record), sweep (compare both sides)',
    'no-wait': 'only ask, and print the id of the run',
  },
  words: [1, 1],
  run({ words: [mapping = ''], flags }) {
    return withDatabase(async (database) => {
      const mode = typeof flags.mode === 'string' ? flags.mode : 'delta';
      const [asked] = await callPublic(database, 'tideway.sync_now', [mapping, mode]);
      const run = String(asked?.['sync_now']);
      if (flags['no-wait']) {
        say(run);
        return exitCodes.done;
      }
      const ended = await untilEnded(database, run);
      say(summary(mapping, ended));
      return ended.status === 'completed' ? exitCodes.done : exitCodes.failed;
    });
  },
};

/** An interrupted run is taken up by the next daemon, so it has not ended. */
async function untilEnded(database: Database, run: string): Promise<RunState> {
  const began = Date.now();
  for (let told = false; ;) {
    const state = await watchRun(database, run);
    if (state && ['completed', 'completed_with_errors', 'failed', 'cancelled'].includes(state.status)) return state;
    if (!told && state?.status === 'pending' && Date.now() - began > NOBODY_AFTER) {
      told = true;
      hint(
        `Nobody has taken run ${run} yet. Does a daemon run (tideway start)? It stays asked for, also when you stop waiting.`,
      );
    }
    await sleep(LOOK_EVERY);
  }
}

function summary(mapping: string, { status, kind, read, error, ...counts }: RunState): string {
  const parts = (['created', 'updated', 'deleted', 'failed', 'held', 'pushed'] as const)
    .filter((name) => counts[name] > 0)
    .map((name) => `${String(counts[name])} ${name}`);
  const what = parts.length === 0 ? 'nothing changed' : parts.join(', ');
  return `${mapping}: ${kind} ${status.replaceAll('_', ' ')}, ${String(read)} read, ${what}${error === null ? '' : `\n${error}`}`;
}
