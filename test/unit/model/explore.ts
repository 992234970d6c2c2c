/** One thing that may happen next. `free` steps need no budget of people or faults, so they always happen in the end. */
export interface Step<State> {
  readonly label: string;
  readonly state: State;
  readonly free: boolean;
}

export interface Model<State> {
  readonly initial: State;
  next(state: State): readonly Step<State>[];
  /** True when nothing is left to do. */
  quiet(state: State): boolean;
  /** What is wrong with a state, or null. */
  broken(state: State): string | null;
}

export interface Exploration {
  readonly states: number;
  readonly quiet: number;
  readonly violation: { readonly rule: string; readonly trace: readonly string[] } | null;
}

/** Visits every reachable state, nearest first, so the first violation found has a shortest trace. */
export function explore<State>(model: Model<State>, most = 2_000_000): Exploration {
  const states: State[] = [model.initial];
  const numbers = new Map([[JSON.stringify(model.initial), 0]]);
  const cameFrom: number[] = [-1];
  const cameBy: string[] = [''];
  const freeInto: number[][] = [[]];
  const trace = (at: number): string[] => (at === 0 ? [] : [...trace(cameFrom[at] ?? 0), cameBy[at] ?? '']);

  for (let at = 0; at < states.length; at += 1) {
    const state = states[at] as State;
    const rule = model.broken(state);
    if (rule !== null) {
      return { states: states.length, quiet: 0, violation: { rule, trace: trace(at) } };
    }
    for (const step of model.next(state)) {
      const key = JSON.stringify(step.state);
      let to = numbers.get(key);
      if (to === undefined) {
        to = states.length;
        if (to >= most) {
          throw new Error(`The model has more than ${String(most)} states.`);
        }
        numbers.set(key, to);
        states.push(step.state);
        cameFrom.push(at);
        cameBy.push(step.label);
        freeInto.push([]);
      }
      if (step.free) {
        freeInto[to]?.push(at);
      }
    }
  }

  // Backwards from the quiet states along free steps: what is not reached can never come to rest.
  const rests = new Uint8Array(states.length);
  const queue = states.flatMap((state, number) => (model.quiet(state) ? [number] : []));
  const quiet = queue.length;
  queue.forEach((number) => (rests[number] = 1));
  for (let at = 0; at < queue.length; at += 1) {
    for (const from of freeInto[queue[at] ?? 0] ?? []) {
      if (rests[from] === 0) {
        rests[from] = 1;
        queue.push(from);
      }
    }
  }
  const restless = rests.indexOf(0);
  return {
    states: states.length,
    quiet,
    violation: restless === -1 ? null : { rule: 'the row never comes to rest', trace: trace(restless) },
  };
}
