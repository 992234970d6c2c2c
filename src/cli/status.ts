import { setTimeout as sleep } from 'node:timers/promises';
import { callPublic } from '../sql/call-public.ts';
import type { Database } from '../sql/database.ts';
import { withDatabase } from './ask-database.ts';
import { exitCodes, say } from './command.ts';
import type { Command } from './command.ts';
import { stopSignal } from './stop-signal.ts';
import { bar, columns, counted, size, span } from './terminal.ts';

type Row = Readonly<Record<string, unknown>>;

interface Status {
  readonly findings: readonly Row[];
  readonly mappings: readonly Row[];
  readonly slots: readonly Row[];
  readonly syncs: readonly Row[];
}

const LOOK_EVERY = 2_000;
const FINDINGS = 12;

export const statusCommand: Command = {
  name: 'status',
  summary: 'Shows what needs a person and whether every mapping moves, the worst first.',
  usage: 'status [--watch] [--json]',
  options: { watch: { type: 'boolean' }, json: { type: 'boolean' } },
  about: { watch: 'again every two seconds, until Ctrl-C', json: 'one JSON object instead of a screen' },
  words: [0, 0],
  run({ flags }) {
    return withDatabase(async (database) => {
      const signal = stopSignal();
      do {
        const status = await look(database);
        const shown = flags.json ? JSON.stringify(status) : screen(status, process.stdout.rows);
        if (flags.watch && process.stdout.isTTY) process.stdout.write('\x1b[H\x1b[2J');
        say(shown);
        if (flags.watch) await sleep(LOOK_EVERY, undefined, { signal }).catch(() => undefined);
      } while (flags.watch && !signal.aborted);
      return exitCodes.done;
    });
  },
};

async function look(database: Database): Promise<Status> {
  const ask = (view: string): Promise<readonly Row[]> => callPublic(database, `tideway.${view}`, []);
  return {
    findings: await ask('health'),
    mappings: await ask('mapping_status'),
    slots: await ask('replication_status'),
    syncs: await ask('active_syncs'),
  };
}

/** What fits on one screen: findings first, then the mappings as their view has them, the worst first. */
function screen({ findings, mappings, slots, syncs }: Status, height: number | undefined): string {
  const parts = [
    findings.length === 0 ? 'All is well.' : findings.slice(0, FINDINGS).map(finding).join('\n'),
    ...(findings.length > FINDINGS ? [`… and ${counted(findings.length - FINDINGS)} more in tideway.health`] : []),
    ...slots.map(slot),
    ...(syncs.length === 0 ? [] : [syncs.map(sync).join('\n')]),
  ];
  const above = parts.join('\n\n').split('\n').length;
  const room = height === undefined ? Infinity : Math.max(5, height - above - 5);
  return [...parts, table(mappings, room)].join('\n\n');
}

function finding({ severity, where, what, mend }: Row): string {
  return `${String(severity).padEnd(7)}  ${String(where)}: ${String(what)}\n         ${String(mend)}`;
}

function slot(row: Row): string {
  const age = row['position_age'] === null ? '' : `, ${span(seconds(row['updated_at']))} behind`;
  const left =
    row['hours_left'] === null ? '' : `, lost in ${span(Number(row['hours_left']) * 3_600)} if nobody reads it`;
  const state = row['exists'] === true ? (row['active'] === true ? 'followed' : 'read by nobody') : 'missing';
  return `log      slot ${String(row['slot'])}: ${state}${age}, ${size(Number(row['retained_bytes'] ?? 0))} kept${left}`;
}

function sync(row: Row): string {
  const done = Number(row['processed_count']) + Number(row['failed_count']);
  const total = row['total_items'] === null ? null : Number(row['total_items']);
  const eta = row['eta_seconds'] === null ? '' : `, ${span(Number(row['eta_seconds']))} left`;
  const name = `${text(row['mapping'] ?? row['entity_type'])} ${text(row['kind'])}`.trim();
  return `running  ${name}  ${bar(done, total)} ${counted(done)} rows, ${counted(row['speed_items_per_min'])} a minute${eta}`;
}

function table(mappings: readonly Row[], room: number): string {
  if (mappings.length === 0) return 'There is no mapping yet.';
  const rows = mappings
    .slice(0, room)
    .map((row) => [
      text(row['mapping']),
      text(row['connection']),
      row['shadow'] === true ? `${text(row['state'])}, shadow` : text(row['state']),
      text(row['direction']),
      counted(row['rows']),
      counted(Number(row['marks']) + Number(row['in_flight']) + Number(row['waiting_retry'])),
      counted(row['failed']),
      counted(row['conflicts']),
      counted(row['held_deletions']),
      row['last_success_at'] === null ? 'never' : `${span(seconds(row['last_success_at']))} ago`,
    ]);
  const names = [
    'mapping',
    'connection',
    'state',
    'direction',
    'rows',
    'waiting',
    'failed',
    'conflicts',
    'held',
    'last success',
  ];
  const more =
    mappings.length > room ? `\n… and ${counted(mappings.length - room)} more in tideway.mapping_status` : '';
  return `${columns(names, rows)}${more}`;
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function seconds(moment: unknown): number {
  return moment instanceof Date ? Math.max(0, (Date.now() - moment.getTime()) / 1_000) : 0;
}
