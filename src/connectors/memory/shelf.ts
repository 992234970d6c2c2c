import type { Fault } from '../../model/fault.ts';
import type { Fields, RemoteRecord } from '../../model/record.ts';
import type { RemoteTable } from '../../model/remote-table.ts';

/** One accepted effect. */
export interface Effect {
  readonly table: string;
  readonly op: 'create' | 'update' | 'delete';
  readonly id: string;
  readonly fields: Fields;
  readonly key?: string;
}

/** A record and when it last changed, counted in effects. */
interface Kept {
  readonly record: RemoteRecord;
  readonly changed: number;
}

/** An app inside this process. Tests hold the same shelf as the connector, by its name. */
export class Shelf {
  readonly tables: readonly RemoteTable[];
  readonly journal: Effect[] = [];
  readonly answered = new Map<string, { readonly id: string; readonly record: RemoteRecord | null }>();
  private readonly kept = new Map<string, Map<string, Kept>>();
  private readonly faults: Fault[] = [];

  constructor(tables: readonly RemoteTable[]) {
    this.tables = tables;
  }

  /** The next request fails so, before it has any effect. */
  failNext(fault: Fault): void {
    this.faults.push(fault);
  }

  /** To be called by every request. */
  enter(): void {
    const fault = this.faults.shift();
    if (fault) throw fault;
  }

  records(table: string): readonly RemoteRecord[] {
    return [...this.of(table).values()].map(({ record }) => record);
  }

  /** Records in the order of their last change, from the first after `effect`. */
  changedSince(table: string, effect: number): readonly Kept[] {
    return [...this.of(table).values()].filter(({ changed }) => changed > effect).sort((a, b) => a.changed - b.changed);
  }

  find(table: string, id: string): RemoteRecord | undefined {
    return this.of(table).get(id)?.record;
  }

  /** Carries out one effect; whether it is allowed has been decided. */
  apply(effect: Omit<Effect, 'id'> & { readonly id?: string }): RemoteRecord | null {
    const changed = this.journal.length + 1;
    const id = effect.id ?? `m${String(changed)}`;
    this.journal.push({ ...effect, id });
    const kept = this.of(effect.table);
    if (effect.op === 'delete') {
      kept.delete(id);
      return null;
    }
    const record = { id, version: String(changed), fields: { ...kept.get(id)?.record.fields, ...effect.fields } };
    kept.set(id, { record, changed });
    return record;
  }

  private of(table: string): Map<string, Kept> {
    const found = this.kept.get(table) ?? new Map<string, Kept>();
    this.kept.set(table, found);
    return found;
  }
}

const shelves = new Map<string, Shelf>();

/** Puts a shelf where connections with this name find it. */
export function placeShelf(name: string, shelf: Shelf): void {
  shelves.set(name, shelf);
}

export function shelfNamed(name: string): Shelf | undefined {
  return shelves.get(name);
}
