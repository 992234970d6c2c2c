import { spawn } from 'node:child_process';

interface Outcome {
  code: number | null;
  out: string;
  err: string;
}

/** Runs the built command line (npm run build) with nothing of this environment's settings. */
export function tideway(
  args: string[],
  { env = {}, input = '', uid }: { env?: Record<string, string>; input?: string; uid?: number } = {},
): Promise<Outcome> {
  return new Promise((done, fail) => {
    const child = spawn(process.execPath, ['dist/src/cli/main.js', ...args], {
      env: { PATH: process.env.PATH ?? '', ...env },
      ...(uid === undefined ? {} : { uid, gid: uid }),
    });
    let [out, err] = ['', ''];
    child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()));
    child.once('error', fail);
    child.once('close', (code) => done({ code, out, err }));
    child.stdin.end(input);
  });
}
