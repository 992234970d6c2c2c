import { askDatabase } from './ask-database.ts';
import { exitCodes, say } from './command.ts';
import type { Command } from './command.ts';

export const backfillCommand: Command = {
  name: 'backfill',
  summary: 'Goes through a whole mapping once.',
  usage: 'backfill <mapping>',
  options: {},
  about: {},
  words: [1, 1],
  async run({ words: [mapping = ''] }) {
    await askDatabase('tideway.backfill', [mapping]);
    say(`Asked for a backfill of ${mapping}. Watch it with: tideway status`);
    return exitCodes.done;
  },
};
