import { createHash } from 'node:crypto';

type GlideCell = string | number | boolean | readonly unknown[] | Readonly<Record<string, unknown>>;
type GlideCells = Readonly<Record<string, GlideCell>>;

interface GlideColumn {
  /** What rows are keyed by. */
  readonly id: string;
  /** What people see. */
  readonly name?: string;
  readonly kind: string;
}

export interface GlideTable {
  readonly id: string;
  readonly name: string;
  readonly big?: boolean;
  readonly columns: readonly GlideColumn[];
}

export interface GlideRecord {
  readonly id: string;
  readonly number: number;
  /** The table's version when this row changed last. */
  readonly version: number;
  readonly cells: GlideCells;
}

/** One effect on the tables: the independent witness of tests. */
export interface GlideEffect {
  readonly actor: 'api' | 'person';
  readonly table: string;
  readonly op: 'create' | 'update' | 'delete';
  readonly id: string;
  readonly cells: Readonly<Record<string, unknown>>;
}

export interface GlideCommand {
  readonly op: 'create' | 'update' | 'delete';
  readonly id: string;
  readonly cells: Readonly<Record<string, unknown>>;
}

interface Shelf {
  readonly table: GlideTable;
  readonly rows: Map<string, GlideRecord>;
  version: number;
}

/** The tables as they are, the queue of what is not applied yet, and the journal. */
export class GlideStore {
  readonly journal: GlideEffect[] = [];
  private readonly shelves: ReadonlyMap<string, Shelf>;
  private queue: { readonly at: number; readonly table: string; readonly command: GlideCommand }[] = [];
  private made = 0;
  private placed = 0;

  constructor(tables: readonly GlideTable[]) {
    this.shelves = new Map(
      tables.map((table) => [table.id, { table, rows: new Map<string, GlideRecord>(), version: 1 }]),
    );
  }

  get tables(): readonly GlideTable[] {
    return [...this.shelves.values()].map(({ table }) => table);
  }

  table(id: unknown): GlideTable | undefined {
    return typeof id === 'string' ? this.shelves.get(id)?.table : undefined;
  }

  version(table: string): number {
    return this.shelf(table).version;
  }

  rows(table: string): readonly GlideRecord[] {
    return [...this.shelf(table).rows.values()];
  }

  row(table: string, id: string): GlideRecord | undefined {
    return this.shelf(table).rows.get(id);
  }

  /** 22 characters; some with a dot, a dash or an underscore. */
  newId(): string {
    this.made += 1;
    const text = createHash('sha256').update(String(this.made)).digest('base64url').slice(0, 22);
    return this.made % 2 === 0 ? text : `${text.slice(0, 9)}.${text.slice(10)}`;
  }

  enqueue(at: number, table: string, command: GlideCommand): void {
    this.queue.push({ at, table, command });
  }

  /** Applies what is due; `reverse` as badly ordered as the service may. */
  applyDue(now: number, reverse = false): void {
    const due = this.queue.filter(({ at }) => at <= now);
    this.queue = this.queue.filter(({ at }) => at > now);
    for (const { table, command } of reverse ? due.reverse() : due) this.apply(table, command, 'api');
  }

  /** A row that does not exist is passed over in silence, as the service does. */
  apply(tableId: string, { op, id, cells }: GlideCommand, actor: GlideEffect['actor']): boolean {
    const shelf = this.shelf(tableId);
    const current = shelf.rows.get(id);
    if (op !== 'create' && current === undefined) return false;
    shelf.version += 1;
    this.journal.push({ actor, table: tableId, op, id, cells });
    if (op === 'delete') {
      shelf.rows.delete(id);
      return true;
    }
    if (current === undefined) this.placed += 1;
    const kept = { ...current?.cells } as Record<string, GlideCell>;
    for (const [name, value] of Object.entries(cells)) {
      const kind = shelf.table.columns.find((column) => column.id === name)?.kind ?? 'string';
      if (value === null || value === undefined || value === '') Reflect.deleteProperty(kept, name);
      else kept[name] = actor === 'api' ? keep(kind, value as GlideCell) : (value as GlideCell);
    }
    shelf.rows.set(id, { id, number: current?.number ?? this.placed, version: shelf.version, cells: kept });
    return true;
  }

  /** What Glide says against these cells, if anything. */
  check(tableId: string, cells: Readonly<Record<string, unknown>>): { type: string; message: string } | undefined {
    const { table } = this.shelf(tableId);
    for (const [name, value] of Object.entries(cells)) {
      if (name.startsWith('$')) return { type: 'column_id_reserved', message: `Reserved column ID '${name}'` };
      const column = table.columns.find(({ id }) => id === name);
      if (column === undefined) return { type: 'column_id_not_found', message: `Unknown column ID '${name}'` };
      if (!fits(column.kind, value)) {
        return { type: 'column_has_invalid_value', message: `Invalid value for column '${name}'` };
      }
    }
    return undefined;
  }

  private shelf(id: string): Shelf {
    const shelf = this.shelves.get(id);
    if (shelf === undefined) throw new Error(`The stand-in has no table "${id}".`);
    return shelf;
  }
}

function keep(kind: string, value: GlideCell): GlideCell {
  return kind === 'date-time' && typeof value === 'string' ? new Date(value).toISOString() : value;
}

function fits(kind: string, value: unknown): boolean {
  if (value === null || value === '') return true;
  switch (kind) {
    case 'number':
      return typeof value === 'number';
    case 'boolean':
      return typeof value === 'boolean';
    case 'array':
      return Array.isArray(value);
    case 'json':
    case 'duration':
      return true;
    case 'date-time':
      return typeof value === 'string' && !Number.isNaN(Date.parse(value));
    default:
      return typeof value === 'string';
  }
}
