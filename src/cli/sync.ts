import { callPublic } from '../sql/call-public.ts';
import { withDatabase } from './ask-database.ts';
import { exitCodes, say } from './command.ts';
import type { Command } from './command.ts';
import { followRun, summary } from './follow-run.ts';

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
      const ended = await followRun(database, mapping, run);
      say(summary(mapping, ended));
      return ended.status === 'completed' ? exitCodes.done : exitCodes.failed;
    });
  },
};
