import type { FieldType } from './field-type.ts';

/** A table of an app, as `discover` finds it. */
export interface RemoteTable {
  /** What requests use: the app's id of the table where it has one, so that a rename changes nothing. */
  readonly name: string;
  /** What people call it, when that differs. */
  readonly title?: string;
  readonly columns: readonly RemoteColumn[];
  readonly capabilities: TableCapabilities;
}

/** What this table allows; narrower than, or equal to, what its system allows. */
export interface TableCapabilities {
  readonly create: boolean;
  readonly update: boolean;
  readonly delete: boolean;
  /** True when a read of changes only is possible (a modified time, a feed). */
  readonly changes: boolean;
  /** Columns that `findByKey` can search; true for all. */
  readonly findBy: true | readonly string[];
  /** Numbers of which the table takes differences, each once, though the system makes no such promise in general. */
  readonly sums?: readonly string[];
}

/** A column of a remote table. */
export interface RemoteColumn {
  readonly name: string;
  readonly title?: string;
  readonly type: FieldType;
  /** The app's own word for the type. */
  readonly appType: string;
  readonly writable: boolean;
  readonly required: boolean;
  /** The remote table whose record ids this column holds. */
  readonly refersTo?: string;
}
