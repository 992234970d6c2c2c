import type { Step } from './explore.ts';

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
