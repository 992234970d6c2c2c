import { askDatabase } from './ask-database.ts';
import { exitCodes, say } from './command.ts';
import type { Command } from './command.ts';

export const syncCommand: Command = {
  name: 'sync',
  summary: 'Reads and writes what is due of a mapping now.',
  usage: 'sync <mapping>',
  options: {},
  about: {},
  words: [1, 1],
  async run({ words: [mapping = ''] }) {
    await askDatabase('tideway.sync_now', [mapping]);
    say(`Asked for a sync of ${mapping}. Watch it with: tideway status`);
    return exitCodes.done;
  },
};
