/** A row or a record as people see it. Every value but null is written once in a whole history, so it tells who wrote it. */
export interface Values {
  readonly id: string;
  readonly name: string;
  readonly qty: string;
}

export type Field = keyof Values;
export const FIELDS: readonly Field[] = ['id', 'name', 'qty'];

/** One effect on one side, from a journal that Tideway cannot write to. */
export interface Effect {
  readonly side: string;
  /** For people who read a trace. */
  readonly at: string;
  readonly by: 'person' | 'tideway';
  /** The effect of a request that its sender had given up long before. */
  readonly late?: boolean;
  readonly before: Values | null;
  readonly after: Values | null;
}

/** What Tideway told people: it counts as an answer to a lost edit, nothing else of Tideway's is believed. */
export interface Told {
  /** Losers of conflicts, by value. */
  readonly values: readonly string[];
  /** Rows that a person deleted and that an edit on another side kept, by the side of the mapping that says so. */
  readonly rows: readonly { readonly side: string; readonly key: string }[];
  /** Values that a write for another record took from this one for good, and said so: by its key, where that is also its id. */
  readonly overwritten?: readonly { readonly side: string; readonly key: string; readonly field: string }[];
  /** Open errors, and conflicts that wait for a person, by key. */
  readonly errors: readonly { readonly key: string | null; readonly text: string }[];
}

export interface History {
  readonly effects: readonly Effect[];
  /** What each side holds in the end. */
  readonly held: ReadonlyMap<string, readonly Values[]>;
  /** What each side does without comparing before. */
  readonly blind: ReadonlyMap<string, 'nothing' | 'deletes' | 'writes'>;
  /** Sides whose writes go to a place: what hits another record there is put right by the very next write to it. */
  readonly byPlace?: ReadonlySet<string>;
  readonly told: Told;
}
