import type { ParseArgsConfig } from 'node:util';

export interface Command {
  name: string;
  summary: string;
  usage: string;
  options: NonNullable<ParseArgsConfig['options']>;
  /** A line for each option. */
  about: Record<string, string>;
  /** How many words may follow the command. */
  words: readonly [least: number, most: number];
  run(call: Call): Promise<number>;
}

interface Call {
  words: string[];
  flags: Record<string, string | boolean | undefined>;
}

/** What a command ends with; --help lists them. */
export const exitCodes = { done: 0, failed: 1, misused: 2 } as const;

export function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

export function hint(line: string): void {
  process.stderr.write(`${line}\n`);
}
