import type { Asked, PlainFault } from '../../apps/plain/plain-faults.ts';
import type { Draws } from '../draws.ts';
import type { Values } from '../history.ts';

/** A record as the app holds it, in the words of the history. */
export interface AppRecord {
  readonly id: string;
  readonly values: Values;
  /** Changes with every write, also with one that changes nothing, where the app tells the two apart. */
  readonly stamp?: string | number;
}

/** One app, fresh for one test. The people in it write at once, whatever its API is told. */
export interface RunningApp {
  readonly url: string;
  /** What the app holds now, whether its reads show it or not. */
  records(): readonly AppRecord[];
  /** The id of the new record. */
  create(values: Values): string;
  edit(id: string, change: Partial<Values>): void;
  remove(id: string): void;
  /** Shows every write now. */
  revealAll?(): void;
  stop(): Promise<void>;
}

/** A kind of app as the fault tests know it: how to set it up, and what it cannot do. */
export interface AppKind {
  readonly name: string;
  readonly system: string;
  /** Variables for the daemon; `secret` refers to one of them. */
  readonly env: Readonly<Record<string, string>>;
  readonly secret: string;
  readonly remote: string;
  /** The SQL types of the table's columns. */
  readonly types: Readonly<Record<keyof Values, string>>;
  readonly columns: readonly Readonly<Record<string, unknown>>[];
  readonly settings: (urls: { readonly gate: string; readonly app: string }) => Readonly<Record<string, unknown>>;
  readonly isRead: (request: Asked) => boolean;
  readonly isWrite: (request: Asked) => boolean;
  /** The app's own way to say that it was asked too much. */
  readonly throttled: PlainFault;
  /** Tideway then leaves it alone for many seconds: too long for a short test. */
  readonly sulks?: boolean;
  /**
   * What the app does without comparing before: what a person writes there between Tideway's last look and such a write
   * of the same field is gone, and nobody saw it.
   */
  readonly blind: 'nothing' | 'deletes' | 'writes';
  /**
   * Its writes go to a place, whichever record stands there when they take effect: after a write that the app carries out late,
   * nobody can tell what a person wrote (docs/systems says so).
   */
  readonly byPlace?: boolean;
  /** The key of a record cannot change. */
  readonly keysStay?: boolean;
  readonly start: (draws: Draws) => Promise<RunningApp>;
}

/** A value as a text. An empty one is null, also where the app has none but the empty text, which then comes to the table. */
export function text(value: unknown): string {
  if (value === undefined || value === null || value === '' || value === false) return 'null';
  return typeof value === 'string' ? value : JSON.stringify(value);
}
