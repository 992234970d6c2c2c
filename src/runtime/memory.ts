/** Asks once and remembers the answer for a while; who asks meanwhile shares it. A failure is not remembered. */
type Remember = <Value>(name: string, milliseconds: number, ask: () => Promise<Value>) => Promise<Value>;

export interface Memory {
  readonly remember: Remember;
  readonly forget: (name: string) => void;
}

/** For what may be a few minutes old and can always be asked again. */
export function createMemory(now: () => number): Memory {
  const known = new Map<string, { readonly until: number; readonly value: Promise<unknown> }>();
  return {
    remember: async <Value>(name: string, milliseconds: number, ask: () => Promise<Value>): Promise<Value> => {
      const found = known.get(name);
      if (found !== undefined && now() < found.until) return found.value as Promise<Value>;
      const value = ask();
      known.set(name, { until: now() + milliseconds, value });
      value.catch(() => {
        if (known.get(name)?.value === value) known.delete(name);
      });
      return value;
    },
    forget: (name) => {
      known.delete(name);
    },
  };
}
