import { setTimeout as pause } from 'node:timers/promises';

/** Repeats the check until it neither throws nor answers false; at last lets its own failure speak. */
export async function waitFor<Result>(
  check: () => Result | Promise<Result>,
  { within = 10_000, every = 20 }: { within?: number; every?: number } = {},
): Promise<Exclude<Result, false | undefined | null>> {
  const end = Date.now() + within;
  for (;;) {
    const last = Date.now() >= end;
    try {
      const result = await check();
      if (result !== false) return result as Exclude<Result, false | undefined | null>;
      if (last) throw new Error(`Still not so after ${within} ms: ${check.toString()}`);
    } catch (error) {
      if (last) throw error;
    }
    await pause(every);
  }
}
