import { text } from 'node:stream/consumers';
import { readConfig } from '../runtime/config.ts';
import { TidewayError } from '../runtime/errors.ts';
import { readSealKeys, sealSecret } from '../runtime/secrets.ts';
import { exitCodes, hint, say } from './command.ts';
import type { Command } from './command.ts';

export const sealCommand: Command = {
  name: 'seal',
  summary: 'Reads a secret from standard input and prints what may be stored in the database.',
  usage: 'seal < secret',
  options: {},
  about: {},
  words: [0, 0],
  async run() {
    const keys = readSealKeys(readConfig(process.env));
    if (process.stdin.isTTY) hint('Type the secret, then Enter and Ctrl-D.');
    const secret = (await text(process.stdin)).replace(/\r?\n$/, '');
    if (secret === '')
      throw new TidewayError('TWS10', 'There is no secret on standard input.', {
        mend: 'printf %s "$SECRET" | tideway seal',
      });
    say(sealSecret(secret, keys));
    return exitCodes.done;
  },
};
