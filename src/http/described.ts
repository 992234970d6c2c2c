import type { z } from 'zod';

/** A request that works on the database of the tests. */
interface Example {
  readonly params?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  readonly status?: number;
}

/** What the OpenAPI document says of a route. */
export interface Described {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly group: string;
  readonly summary: string;
  /** `probe`: as TIDEWAY_HTTP_OPEN says, else a reader; `proof`: a delivery proves itself. */
  readonly needs: 'look' | 'operate' | 'probe' | 'proof' | 'nothing';
  readonly params?: z.ZodType;
  readonly query?: z.ZodType;
  readonly body?: z.ZodType;
  readonly answer: z.ZodType;
  /** Whether 202 is a possible answer. */
  readonly mayWait?: boolean;
  /** What the answer is when it is not JSON. */
  readonly type?: string;
  /** The answer goes on until one of both leaves. */
  readonly isStream?: boolean;
  /** Further answers that are no errors. */
  readonly also?: Readonly<Record<number, string>>;
  readonly example: Example;
}
