import type { Step } from '../unit/model/explore.ts';
import { fc } from './seed.ts';

/** Walks a model again and again, each walk chosen by numbers; TIDEWAY_TEST_TRACES says how often. */
export function randomWalks(
  lengths: { readonly minLength: number; readonly maxLength: number },
  walk: (choices: readonly number[]) => Promise<void>,
): Promise<void> {
  return fc.assert(fc.asyncProperty(fc.array(fc.nat(600), lengths), walk), {
    numRuns: Number(process.env.TIDEWAY_TEST_TRACES ?? 25),
    endOnFailure: true,
  });
}

/**
 * The step that a number chooses. Edits and faults are few and reads can always be asked for, so even odds would spend
 * those at once and the rest of a walk on reads.
 */
export function chooseStep<State>(steps: readonly Step<State>[], choice: number): Step<State> | undefined {
  const free = steps.filter((step) => step.free);
  const ours = free.filter(({ label }) => !/read|page/.test(label));
  const lists = [steps.filter((step) => !step.free), ours, ours, ours, free, free];
  const among = [lists[choice % lists.length] ?? [], free, steps].find((list) => list.length > 0) ?? [];
  return among[Math.floor(choice / lists.length) % Math.max(1, among.length)];
}
