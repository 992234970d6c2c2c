#!/usr/bin/env node
import { parseArgs } from 'node:util';
import { messageOf, TidewayError } from '../runtime/errors.ts';
import { nearest } from '../runtime/nearest.ts';
import { packageVersion } from '../runtime/package-root.ts';
import { exitCodes, hint, say } from './command.ts';
import type { Command } from './command.ts';
import { backfillCommand } from './backfill.ts';
import { demoCommand } from './demo.ts';
import { doctorCommand } from './doctor.ts';
import { migrateCommand } from './migrate.ts';
import { sealCommand } from './seal.ts';
import { startCommand } from './start.ts';
import { statusCommand } from './status.ts';
import { syncCommand } from './sync.ts';
import { uninstallCommand } from './uninstall.ts';

const commands: readonly Command[] = [
  startCommand,
  migrateCommand,
  demoCommand,
  doctorCommand,
  statusCommand,
  syncCommand,
  backfillCommand,
  sealCommand,
  uninstallCommand,
];

process.exitCode = await main(process.argv.slice(2));

async function main([name, ...rest]: string[]): Promise<number> {
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
    say(overview());
    return name === undefined ? exitCodes.misused : exitCodes.done;
  }
  if (name === '--version' || name === '-v') {
    say(packageVersion);
    return exitCodes.done;
  }
  const command = commands.find((one) => one.name === name);
  if (!command)
    return misused(
      `There is no command ${JSON.stringify(name)}.`,
      name,
      commands.map((one) => one.name),
      'tideway --help',
    );
  try {
    return await execute(command, rest);
  } catch (error) {
    hint(error instanceof TidewayError ? error.explain() : `The command ${name} failed: ${messageOf(error)}`);
    return error instanceof TidewayError && error.code.startsWith('TWS') ? exitCodes.misused : exitCodes.failed;
  }
}

async function execute(command: Command, args: string[]): Promise<number> {
  const options: Command['options'] = { ...command.options, help: { type: 'boolean', short: 'h' } };
  const { tokens } = parseArgs({ args, options, strict: false, allowPositionals: true, tokens: true });
  const flags: Record<string, string | boolean | undefined> = {};
  const words: string[] = [];
  const help = `tideway ${command.name} --help`;
  for (const token of tokens) {
    if (token.kind === 'positional') words.push(token.value);
    if (token.kind !== 'option') continue;
    const known = Object.hasOwn(options, token.name) ? options[token.name] : undefined;
    if (!known)
      return misused(
        `${command.name} has no flag ${token.rawName}.`,
        token.rawName,
        Object.keys(options).map((one) => `--${one}`),
        help,
      );
    if (known.type === 'string' && token.value === undefined)
      return misused(`${token.rawName} needs a value.`, '', [], help);
    if (known.type === 'boolean' && token.value !== undefined)
      return misused(`${token.rawName} takes no value.`, '', [], help);
    flags[token.name] = token.value ?? true;
  }
  if (flags.help) {
    say(helpOf(command));
    return exitCodes.done;
  }
  const [least, most] = command.words;
  if (words.length > most)
    return misused(`${command.name} does not take ${JSON.stringify(words[most])}.`, '', [], help);
  if (words.length < least) return misused(`${command.name} needs more: ${command.usage}`, '', [], help);
  return command.run({ words, flags });
}

function misused(what: string, word: string, known: string[], help: string): number {
  const meant = nearest(word, known);
  hint(`${what}${meant ? ` Did you mean ${meant}?` : ''}\nSee: ${help}`);
  return exitCodes.misused;
}

function overview(): string {
  const lines = commands.map(({ name, summary }) => `  ${name.padEnd(10)} ${summary}`);
  return `Tideway ${packageVersion} keeps Postgres tables and business apps in step.

usage: tideway <command> [flags]

${lines.join('\n')}

tideway <command> --help tells more. Exit codes: 0 done, 1 failed or found something, 2 wrongly called or configured.`;
}

function helpOf(command: Command): string {
  const lines = [...Object.entries(command.about), ['help', 'this text']].map(([name = '', about = '']) => {
    const value = command.options[name]?.type === 'string' ? ' <value>' : '';
    return `  ${`--${name}${value}`.padEnd(20)} ${about}`;
  });
  return `${command.summary}\n\nusage: tideway ${command.usage}\n\n${lines.join('\n')}\n\nExit codes: 0 done, 1 failed or found something, 2 wrongly called or configured.`;
}
