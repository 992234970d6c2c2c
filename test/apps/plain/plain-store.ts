import { appendFileSync } from 'node:fs';
import { accept, Refusal, toWire, type PlainColumn, type PlainValue, type PlainValues } from './plain-values.ts';

export interface PlainTable {
  readonly id: string;
  readonly title?: string;
  readonly columns: readonly PlainColumn[];
}

export interface PlainRecord {
  readonly id: string;
  readonly number: number;
  readonly version: number;
  readonly modifiedAt: string;
  readonly values: PlainValues;
}

/** One effect that the app accepted. Written before anybody is answered; the independent witness of every test. */
export interface JournalEntry {
  readonly seq: number;
  readonly at: string;
  readonly actor: 'api' | 'person';
  readonly table: string;
  readonly op: 'create' | 'update' | 'delete';
  readonly id: string;
  readonly version: number;
  /** The values that the effect set, as kept. */
  readonly values: PlainValues;
  readonly key?: string;
}

export interface WriteCommand {
  readonly op: 'create' | 'update' | 'delete';
  readonly id?: string;
  readonly values?: Readonly<Record<string, unknown>>;
  readonly key?: string;
  readonly ifVersion?: number;
}

export type WriteResult =
  | {
      readonly ok: true;
      readonly id: string;
      readonly version: number;
      readonly record: PlainRecord | null;
      readonly replayed: boolean;
    }
  | { readonly ok: false; readonly refusal: Refusal; readonly current: PlainRecord | null };

export interface StoreOptions {
  readonly tables: readonly PlainTable[];
  readonly now: () => number;
  /** Milliseconds that the app's modified times are rounded down to. */
  readonly granularity: number;
  /** Milliseconds until a write shows in reads. */
  readonly visibleAfter: number;
  readonly journalFile: string | undefined;
  readonly onChange: (changed: ReadonlyMap<string, ReadonlySet<string>>) => void;
}

interface Shelf {
  readonly table: PlainTable;
  readonly truth: Map<string, PlainRecord>;
  /** What reads see; behind the truth while a write is not visible yet. */
  readonly shown: Map<string, PlainRecord>;
}

/** The app's tables: what is true, what is shown, and the journal. */
export class PlainStore {
  readonly journal: JournalEntry[] = [];
  private readonly shelves = new Map<string, Shelf>();
  private readonly answered = new Map<string, WriteResult>();
  private readonly hidden: { readonly at: number; readonly show: () => void }[] = [];
  private readonly options: StoreOptions;
  private records = 0;

  constructor(options: StoreOptions) {
    this.options = options;
    for (const table of options.tables) {
      this.shelves.set(table.id, { table, truth: new Map(), shown: new Map() });
    }
  }

  get tables(): readonly PlainTable[] {
    return [...this.shelves.values()].map((shelf) => shelf.table);
  }

  table(id: string): PlainTable | undefined {
    return this.shelves.get(id)?.table;
  }

  /** Adds a column, takes one away or changes it, as people do in apps. */
  replaceTable(table: PlainTable): void {
    const shelf = this.shelves.get(table.id);
    this.shelves.set(table.id, {
      table,
      truth: shelf?.truth ?? new Map<string, PlainRecord>(),
      shown: shelf?.shown ?? new Map<string, PlainRecord>(),
    });
  }

  /** What reads see now. */
  read(tableId: string): readonly PlainRecord[] {
    this.reveal(this.options.now());
    return [...this.shelf(tableId).shown.values()];
  }

  /** What is true now, seen or not. */
  truth(tableId: string): readonly PlainRecord[] {
    return [...this.shelf(tableId).truth.values()];
  }

  /** Shows everything that was written, without waiting. */
  revealAll(): void {
    this.reveal(Infinity);
  }

  write(tableId: string, commands: readonly WriteCommand[], actor: 'api' | 'person'): WriteResult[] {
    const touched = new Set<string>();
    const results = commands.map((command) => {
      const scope = command.key === undefined ? undefined : `${tableId}\n${command.key}`;
      const before = scope === undefined ? undefined : this.answered.get(scope);
      if (before?.ok) return { ...before, replayed: true };
      const result = this.apply(tableId, command, actor);
      if (result.ok) touched.add(result.id);
      if (scope !== undefined && result.ok) this.answered.set(scope, result);
      return result;
    });
    if (touched.size > 0) this.options.onChange(new Map([[tableId, touched]]));
    return results;
  }

  /** What would be refused, without writing anything. */
  check(tableId: string, command: WriteCommand): Refusal | undefined {
    const kept = this.keep(tableId, command);
    return kept instanceof Refusal ? kept : undefined;
  }

  private apply(tableId: string, command: WriteCommand, actor: 'api' | 'person'): WriteResult {
    const shelf = this.shelf(tableId);
    const current = command.id === undefined ? undefined : shelf.truth.get(command.id);
    const kept = this.keep(tableId, command);
    if (kept instanceof Refusal) return { ok: false, refusal: kept, current: current ?? null };
    const version = (current?.version ?? 0) + 1;
    if (command.ifVersion !== undefined && command.ifVersion !== current?.version) {
      const refusal = new Refusal('version_mismatch', `The record is at version ${String(current?.version)}.`);
      return { ok: false, refusal, current: current ?? null };
    }
    if (command.op === 'delete') {
      const id = command.id as string;
      this.note({ actor, table: tableId, op: 'delete', id, version, values: {} }, command.key);
      shelf.truth.delete(id);
      this.show(() => shelf.shown.delete(id));
      return { ok: true, id, version, record: null, replayed: false };
    }
    if (current === undefined) this.records += 1;
    const number = current?.number ?? this.records;
    const id = current?.id ?? `rec_${String(number).padStart(6, '0')}`;
    const plain = { ...emptyRow(shelf.table), ...current?.values, ...kept };
    const computed = shelf.table.columns.flatMap((column) =>
      column.computed ? [[column.id, column.computed(plain)] as const] : [],
    );
    const record: PlainRecord = {
      id,
      number,
      version,
      modifiedAt: this.stamp(),
      values: { ...plain, ...Object.fromEntries(computed) },
    };
    this.note({ actor, table: tableId, op: command.op, id, version, values: kept }, command.key);
    shelf.truth.set(id, record);
    this.show(() => shelf.shown.set(id, record));
    return { ok: true, id, version, record, replayed: false };
  }

  private keep(tableId: string, command: WriteCommand): PlainValues | Refusal {
    const { table, truth } = this.shelf(tableId);
    if (command.op !== 'create' && (command.id === undefined || !truth.has(command.id))) {
      return new Refusal('no_such_record', `There is no record "${command.id ?? ''}".`);
    }
    const kept: Record<string, PlainValue> = {};
    for (const [name, value] of Object.entries(command.values ?? {})) {
      const column = table.columns.find(({ id }) => id === name);
      if (column === undefined) return new Refusal('unknown_column', `There is no column "${name}".`, name);
      const result = accept(column, value);
      if (result instanceof Refusal) return result;
      kept[name] = result;
    }
    const missing = table.columns.find(({ id, required }) => required && command.op === 'create' && kept[id] == null);
    return missing ? new Refusal('required', `Column "${missing.id}" needs a value.`, missing.id) : kept;
  }

  private note(entry: Omit<JournalEntry, 'seq' | 'at'>, key: string | undefined): void {
    const full = {
      seq: this.journal.length + 1,
      at: new Date(this.options.now()).toISOString(),
      ...entry,
      ...(key === undefined ? {} : { key }),
    };
    this.journal.push(full);
    if (this.options.journalFile !== undefined) appendFileSync(this.options.journalFile, `${toWire(full)}\n`);
  }

  private show(show: () => void): void {
    if (this.options.visibleAfter === 0 && this.hidden.length === 0) show();
    else this.hidden.push({ at: this.options.now() + this.options.visibleAfter, show });
  }

  private reveal(until: number): void {
    while (this.hidden[0] && this.hidden[0].at <= until) this.hidden.shift()?.show();
  }

  private stamp(): string {
    const { granularity, now } = this.options;
    return new Date(Math.floor(now() / granularity) * granularity).toISOString();
  }

  private shelf(tableId: string): Shelf {
    const shelf = this.shelves.get(tableId);
    if (shelf === undefined) throw new Error(`The stand-in has no table "${tableId}".`);
    return shelf;
  }
}

function emptyRow(table: PlainTable): PlainValues {
  return Object.fromEntries(table.columns.map(({ id }) => [id, null]));
}
