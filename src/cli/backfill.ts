import { callPublic } from '../sql/call-public.ts';
import { withDatabase } from './ask-database.ts';
import { exitCodes, say } from './command.ts';
import type { Command } from './command.ts';
import { followRun } from './follow-run.ts';
import { counted } from './terminal.ts';

export const backfillCommand: Command = {
  name: 'backfill',
  summary: 'Goes through a whole mapping once.',
  usage: 'backfill <mapping> [--wait]',
  options: { wait: { type: 'boolean' } },
  about: { wait: 'until every row was handed over to be sent' },
  words: [1, 1],
  run({ words: [mapping = ''], flags }) {
    return withDatabase(async (database) => {
      const [asked] = await callPublic(database, 'tideway.backfill', [mapping]);
      if (!flags.wait) {
        say(`Asked for a backfill of ${mapping}. Watch it with: tideway status --watch`);
        return exitCodes.done;
      }
      const { status, read, error } = await followRun(database, mapping, String(asked?.['backfill']));
      say(
        `${mapping}: backfill ${status.replaceAll('_', ' ')}, ${counted(read)} rows handed over${error === null ? '' : `\n${error}`}`,
      );
      return status === 'completed' ? exitCodes.done : exitCodes.failed;
    });
  },
};
