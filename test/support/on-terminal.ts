import { spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';

/** Whether a command can be given a terminal here; prints what is skipped when not. */
export function hasTerminal(what: string): boolean {
  const has =
    existsSync('/usr/bin/script') &&
    spawnSync('script', ['--version'], { encoding: 'utf8' }).stdout.includes('util-linux');
  if (!has) console.log(`Skipped: ${what}, which wants a terminal (util-linux has script).`);
  return has;
}

/** Runs the built command line on a terminal of its own and gives all that it wrote there. */
export async function onTerminal(args: string, env: Record<string, string>): Promise<string> {
  const child = spawn('script', ['-qec', `${process.execPath} dist/src/cli/main.js ${args}`, '/dev/null'], {
    env: { PATH: process.env['PATH'] ?? '', ...env },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  let said = '';
  child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
  await new Promise((done) => child.once('close', done));
  return said;
}
