import { spawn } from 'node:child_process';
import { onTestFinished } from 'vitest';
import { waitFor } from './wait-for.ts';

interface Running {
  text(): string;
  /** Waits until the words were written. */
  says(words: string): Promise<void>;
  /** Sends the signal and waits for the end; gives the exit code. */
  end(signal: NodeJS.Signals): Promise<number | null>;
}

/** Starts the built command line and leaves it running, until the test ends. */
export function runningTideway(args: string[], env: Record<string, string>): Running {
  const child = spawn(process.execPath, ['dist/src/cli/main.js', ...args], {
    env: { PATH: process.env.PATH ?? '', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let text = '';
  child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (text += chunk.toString()));
  const ended = () => child.exitCode !== null || child.signalCode !== null;
  onTestFinished(async () => {
    if (ended()) return;
    child.kill('SIGINT');
    await waitFor(ended, { within: 30_000 });
  });
  return {
    text: () => text,
    says: async (words) => {
      await waitFor(() => text.includes(words) || ended(), { within: 60_000 });
      if (!text.includes(words)) throw new Error(`It ended without ${JSON.stringify(words)}:\n${text}`);
    },
    end: async (signal) => {
      child.kill(signal);
      await waitFor(ended, { within: 30_000 });
      return child.exitCode;
    },
  };
}
