/**
 * A value that survives a round trip through jsonb. Timestamps are ISO 8601 text with a zone,
 * and a number that a double cannot hold exactly travels as its decimal text.
 */
export type FieldValue =
  null | boolean | number | string | readonly FieldValue[] | { readonly [name: string]: FieldValue };

/** Values by remote column. Absent means unknown or untouched; null means empty in the app. */
export type Fields = Readonly<Record<string, FieldValue>>;

/** One record as its app showed it. */
export interface RemoteRecord {
  /** The record's identity in its table; always text, chosen so that the connector can find it again by this alone. */
  readonly id: string;
  readonly fields: Fields;
  /** The app's own revision mark (ETag, version, write date), when it has one. */
  readonly version?: string;
  readonly modifiedAt?: string;
  /** Where the record stands in its app (sheet row, array index); for people, never an identity. */
  readonly position?: number;
  /** Columns whose value the app could not show (a formula in error). They are absent from `fields`. */
  readonly problems?: readonly FieldProblem[];
}

/** Why one column of one record could not be read. */
export interface FieldProblem {
  readonly column: string;
  readonly message: string;
}
