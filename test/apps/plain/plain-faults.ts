/** What happens to a request instead of, or after, its effect. */
export type PlainFault =
  /** Answers with this status; the effect does not happen unless `applied`. */
  | {
      readonly kind: 'status';
      readonly status: number;
      readonly headers?: Readonly<Record<string, string>>;
      readonly body?: string;
      readonly applied?: boolean;
    }
  /** Closes the connection before the request is read: no effect. */
  | { readonly kind: 'reset' }
  /** The effect happens, then the connection is closed without an answer. */
  | { readonly kind: 'drop_answer' }
  /** The connection is closed; the effect happens when `releaseHeld` is called. */
  | { readonly kind: 'late' }
  /** The effect happens; the answer breaks off in the middle. `clean` ends it as if it were whole. */
  | { readonly kind: 'truncate'; readonly clean?: boolean }
  /** The answer comes after this many milliseconds. */
  | { readonly kind: 'delay'; readonly milliseconds: number }
  /** The effect happens; no answer ever comes, and the connection stays open. */
  | { readonly kind: 'hang'; readonly applied?: boolean }
  /** A good status with a body that is not what was asked for. */
  | { readonly kind: 'body'; readonly contentType: string; readonly body: string };

export interface FaultScript {
  /** How many matching requests fail; default 1. */
  readonly count?: number;
  /** How many matching requests pass first; default 0. */
  readonly after?: number;
  readonly method?: string;
  /** Part of the path. */
  readonly path?: string;
  /** Which requests are meant, where method and path do not tell: some apps have one path for everything. */
  readonly when?: (request: Asked) => boolean;
  readonly with: PlainFault;
}

/** What is known of a request when a fault may be taken for it; the body only where the app waits for it. */
export interface Asked {
  readonly method?: string | undefined;
  readonly url?: string | undefined;
  readonly body?: Buffer;
}

/** The faults that tests asked for, first come first served. */
export class PlainFaults {
  private readonly scripts: { readonly script: FaultScript; passed: number; left: number }[] = [];
  /** When requests have failed so far. */
  readonly happened: number[] = [];

  add(script: FaultScript): void {
    this.scripts.push({ script, passed: 0, left: script.count ?? 1 });
  }

  clear(): void {
    this.scripts.length = 0;
  }

  take(request: Asked): PlainFault | undefined {
    for (const entry of this.scripts) {
      const { method, path, when, after = 0, with: fault } = entry.script;
      if (entry.left === 0) continue;
      if (method !== undefined && method !== request.method) continue;
      if (path !== undefined && !request.url?.includes(path)) continue;
      if (when !== undefined && !when(request)) continue;
      if (entry.passed < after) {
        entry.passed += 1;
        continue;
      }
      entry.left -= 1;
      this.happened.push(Date.now());
      return fault;
    }
    return undefined;
  }
}
