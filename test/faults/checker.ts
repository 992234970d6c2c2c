import { FIELDS, type Effect, type Field, type History, type Values } from './history.ts';

interface Written {
  readonly effect: Effect;
  readonly field: Field;
  readonly value: string;
  /** What the person saw and replaced. */
  readonly over: Written | undefined;
  /** The number of the creation that it goes back to. */
  readonly origin: number;
  readonly next: Written[];
}

/**
 * Judges a quiet system by the journals of its sides. A person's value must be there in the end, unless a person who saw it
 * replaced or deleted it, or Tideway told people that it lost. `answered`: no request of this history lost its answer.
 */
export function violations(
  journals: History,
  options: { readonly deletionsFound: boolean; readonly answered?: boolean },
): string[] {
  const found: string[] = [];
  const { whole, taken } = withToldHarm(journals);
  const written = trace(whole.effects, found);
  const history = { ...whole, effects: withoutStrays(whole, written) };
  found.push(...unexpected(history.effects, written));
  const unseen = overwrittenUnseen(history, written);
  for (const one of written.values()) if (taken.has(one.value)) unseen.add(one);
  found.push(...orderViolations(history.effects, written, unseen));
  found.push(...duplicates(history.held));
  if (options.answered === true) found.push(...echoes(history.effects));

  const deleted = new Map<number, { effect: Effect; side: string }[]>();
  for (const effect of history.effects) {
    if (effect.by !== 'person' || effect.after !== null || effect.before === null) continue;
    const origin = written.get(token('name', effect.before.name))?.origin;
    if (origin === undefined) continue;
    deleted.set(origin, [...(deleted.get(origin) ?? []), { effect, side: effect.side }]);
  }

  const errorsOf = (values: Values | undefined): readonly string[] =>
    history.told.errors.filter(({ key }) => values === undefined || key === values.id).map(({ text }) => text);
  const lives = [...new Set([...written.values()].map(({ origin }) => origin))].sort((a, b) => a - b);
  for (const origin of lives) {
    const all = [...written.values()].filter((one) => one.origin === origin);
    const kept = history.told.rows.filter(({ key }) => all.some(({ field, value }) => field === 'id' && value === key));
    const deletions = deleted.get(origin) ?? [];
    // A row that was edited outlives the deletion of its record: it stays away from that app until somebody replays it.
    const isApart = (side: string): boolean =>
      kept.some((row) => row.side === side) && deletions.some((deletion) => deletion.side === side);
    const shown = [...history.held]
      .map(
        ([side, rows]) => [side, rows.find(({ name }) => written.get(token('name', name))?.origin === origin)] as const,
      )
      .filter(([side, values]) => values !== undefined || !isApart(side));
    // Deletions in apps are found by sweeps.
    if (!options.deletionsFound && deletions.some(({ side }) => side !== 'table')) continue;
    const states = new Set(shown.map(([, values]) => JSON.stringify(values ?? null)));
    const some = shown.find(([, values]) => values !== undefined)?.[1];
    if (states.size > 1) {
      if (errorsOf(some).length === 0)
        found.push(`I-EQUAL: the sides differ: ${shown.map(([side, values]) => `${side} ${show(values)}`).join(', ')}`);
      continue;
    }
    const told = (value: string): boolean => history.told.values.includes(value);
    // Whoever deletes a row takes back what they saw in it.
    const seen = new Set(deletions.flatMap(({ effect }) => ancestry(effect.before, written)));
    if (some === undefined) {
      if (deletions.length === 0)
        found.push(`I-LOSS: nobody deleted ${all.map(({ value }) => value).join(' ')}, and it is gone`);
      for (const leaf of all.filter(({ next, field }) => next.length === 0 && field !== 'id'))
        if (!seen.has(leaf) && !told(leaf.value) && !unseen.has(leaf))
          found.push(`I-LOSS: ${leaf.value} was written beside a deletion; it is gone and nobody was told`);
      continue;
    }
    if (deletions.length > 0 && kept.length === 0)
      found.push(
        `I-LOSS: ${show(some)} was deleted on ${deletions.map(({ side }) => side).join(', ')} and is there, and nobody was told`,
      );
    for (const field of FIELDS) {
      const last = written.get(token(field, some[field]));
      if (last === undefined) continue;
      const newer = last.next.filter((one) => !seen.has(one) && !unseen.has(one));
      if (newer.length > 0)
        found.push(
          `I-ORDER: ${field} ${last.value} is there again after ${newer.map(({ value, effect }) => `${value} on ${effect.side}`).join(', ')}`,
        );
      for (const leaf of all)
        if (
          leaf.field === field &&
          leaf.next.length === 0 &&
          leaf !== last &&
          last.next.length === 0 &&
          !seen.has(leaf) &&
          !unseen.has(leaf) &&
          !told(leaf.value)
        )
          found.push(
            `I-LOSS: ${field} ${leaf.value} written on ${leaf.effect.side} lost against ${last.value}, and nobody was told`,
          );
    }
  }
  return found;
}

/** Follows each value back to the creation of its row. */
function trace(effects: readonly Effect[], found: string[]): Map<string, Written> {
  const written = new Map<string, Written>();
  const open = effects.filter(({ by, after }) => by === 'person' && after !== null);
  const begun = new Map<Effect, number>();
  // What a person replaced may have been written on another side: its journal may come later in the list.
  for (let left = -1; open.length > 0 && left !== open.length;) {
    left = open.length;
    for (const effect of open.splice(0)) {
      const { before, after } = effect;
      if (after === null) continue;
      const overs = FIELDS.map((field) => before && written.get(token(field, before[field])));
      if (before !== null && overs.some((over) => over === undefined)) {
        open.push(effect);
        continue;
      }
      if (before === null) begun.set(effect, begun.size + 1);
      FIELDS.forEach((field, at) => {
        const value = after[field];
        const over = overs[at] ?? undefined;
        if (over?.value === value) return;
        const one: Written = { effect, field, value, over, origin: over?.origin ?? begun.get(effect) ?? 0, next: [] };
        over?.next.push(one);
        written.set(token(field, value), one);
      });
    }
  }
  for (const effect of open)
    found.push(`UNEXPECTED: a person on ${effect.side} saw ${show(effect.before)}, which nobody wrote`);
  return written;
}

function originsOf(values: Values, written: ReadonlyMap<string, Written>): Set<number | undefined> {
  return new Set(FIELDS.map((field) => written.get(token(field, values[field]))?.origin));
}

/** A value that Tideway shows and no person wrote. */
function unexpected(effects: readonly Effect[], written: ReadonlyMap<string, Written>): string[] {
  return effects.flatMap(({ by, side, after }) => {
    if (by !== 'tideway' || after === null) return [];
    const origins = originsOf(after, written);
    if (origins.has(undefined)) return [`UNEXPECTED: ${side} was given ${show(after)}, which nobody wrote`];
    return origins.size > 1 ? [`UNEXPECTED: ${side} was given ${show(after)}, a mixture of rows`] : [];
  });
}

/**
 * What hit another record than was meant, and of which people were told that it took a value there: it counts as an edit of somebody who
 * knew. Its value, or none in its place, is then written once in the whole history too. One report excuses one hit.
 */
function withToldHarm(history: History): { readonly whole: History; readonly taken: ReadonlySet<string> } {
  const { effects, byPlace, told } = history;
  const left = [...(told.overwritten ?? [])];
  const edits = new Set<Effect>();
  const mends = new Set<Effect | undefined>();
  const names = new Map<string, string>();
  for (const [at, stray] of effects.entries()) {
    const { by, side, before, after } = stray;
    if (by !== 'tideway' || byPlace?.has(side) !== true || before === null || after === null) continue;
    const fields = FIELDS.filter((field) => before[field] !== after[field]);
    const reports = left.filter(
      (one) => one.side === side && one.key === before.id && fields.includes(one.field as Field),
    );
    const isOwn = fields.some((field) =>
      effects.some(
        (one) =>
          one.by === 'person' &&
          one.after?.id === before.id &&
          one.after[field] === after[field] &&
          one.before?.[field] !== after[field],
      ),
    );
    const next = nextOf(effects, stray, at);
    if (isMend(stray, next)) mends.add(next);
    if (mends.has(stray) || mends.has(next) || fields.length === 0 || reports.length < fields.length || isOwn) continue;
    const empties =
      next?.by === 'tideway' &&
      FIELDS.every((field) => next.after?.[field] === (fields.includes(field) ? 'null' : before[field]));
    for (const one of empties ? [stray, next] : [stray]) {
      edits.add(one);
      for (const field of fields)
        names.set(place(before.id, field, one.after?.[field]), `${String(one.after?.[field])} in ${before.id}`);
    }
    for (const report of reports) left.splice(left.indexOf(report), 1);
  }
  const named = <Some extends Values | null>(values: Some): Some =>
    values && {
      ...values,
      ...Object.fromEntries(
        FIELDS.map((field) => [field, names.get(place(values.id, field, values[field])) ?? values[field]]),
      ),
    };
  return {
    whole: {
      ...history,
      effects: effects.map((effect) => ({
        ...effect,
        by: edits.has(effect) ? 'person' : effect.by,
        before: named(effect.before),
        after: named(effect.after),
      })),
      held: new Map([...history.held].map(([side, rows]) => [side, rows.map(named)])),
    },
    taken: new Set(names.values()),
  };
}

function place(id: string, field: Field, value: string | undefined): string {
  return JSON.stringify([id, field, value]);
}

/** What happened to the same record there after it. */
function nextOf(effects: readonly Effect[], { side, before }: Effect, at: number): Effect | undefined {
  return effects.slice(at + 1).find((one) => one.side === side && (one.before?.id ?? one.after?.id) === before?.id);
}

/** Whether `next` gives a record back all that it held before. */
function isMend({ before }: Effect, next: Effect | undefined): boolean {
  return next?.by === 'tideway' && JSON.stringify(next.after) === JSON.stringify(before);
}

/** Without what hit another record than was meant and was put right before anything else happened to that record. */
function withoutStrays({ effects, byPlace }: History, written: ReadonlyMap<string, Written>): readonly Effect[] {
  const strays = effects.flatMap((stray, at) => {
    const { by, side, before, after } = stray;
    if (by !== 'tideway' || byPlace?.has(side) !== true || before === null) return [];
    if (after !== null && originsOf(after, written).size === 1) return [];
    const next = nextOf(effects, stray, at);
    return next !== undefined && isMend(stray, next) ? [stray, next] : [];
  });
  return effects.filter((effect) => !strays.includes(effect));
}

/** Tideway never replaces a value by one that a person had replaced by it. */
function orderViolations(
  effects: readonly Effect[],
  written: ReadonlyMap<string, Written>,
  unseen: ReadonlySet<Written>,
): string[] {
  // A row that an edit elsewhere brings back comes without what its deletion threw away.
  const thrown = new Set(
    effects
      .filter(({ by, after }) => by === 'person' && after === null)
      .flatMap(({ before }) => ancestry(before, written)),
  );
  return effects.flatMap(({ by, late, side, before, after }) => {
    if (by !== 'tideway' || late || before === null || after === null) return [];
    return FIELDS.flatMap((field) => {
      if (before[field] === after[field]) return [];
      const older = written.get(token(field, after[field]));
      const newer = written.get(token(field, before[field]));
      if (newer !== undefined && (thrown.has(newer) || unseen.has(newer))) return [];
      for (let one = newer?.over; one !== undefined; one = one.over)
        if (one === older) return [`I-ORDER: ${side} was given ${after[field]} over the newer ${before[field]}`];
      return [];
    });
  });
}

/**
 * What a person wrote into an app that cannot compare, and Tideway's own write replaced there before anything else showed
 * it: it came between the last look and the write.
 */
function overwrittenUnseen({ effects, blind }: History, written: ReadonlyMap<string, Written>): Set<Written> {
  const ours = effects.filter(({ by }) => by === 'tideway');
  const isShown = ({ effect, field, value }: Written): boolean =>
    ours.some(({ side, after }) => side !== effect.side && after?.[field] === value);
  const unseen = new Set<Written>();
  for (const one of written.values()) {
    const { effect, field, value } = one;
    const isReplaced = ours.some(({ side, before, after }) => {
      if (side !== effect.side || before?.[field] !== value) return false;
      return after === null ? blind.get(side) !== 'nothing' : blind.get(side) === 'writes' && after[field] !== value;
    });
    // What the person had written just before it is as unseen.
    for (let last: Written | undefined = one; isReplaced && last !== undefined; last = last.over) {
      if (last.effect.side !== effect.side || isShown(last)) break;
      unseen.add(last);
    }
  }
  return unseen;
}

/** Where every request was answered, a write that changes nothing is an echo. */
function echoes(effects: readonly Effect[]): string[] {
  return effects
    .filter(
      ({ by, before, after }) => by === 'tideway' && after !== null && JSON.stringify(before) === JSON.stringify(after),
    )
    .map(({ side, after }) => `I-QUIET: ${side} was given ${show(after)}, which it held`);
}

function duplicates(held: History['held']): string[] {
  return [...held].flatMap(([side, rows]) =>
    FIELDS.flatMap((field) => {
      const values = rows.map((row) => row[field]);
      const twice = values.filter((value, at) => values.indexOf(value) !== at);
      return twice.map((value) => `I-DUP: ${side} holds ${field} ${value} twice`);
    }),
  );
}

function ancestry(values: Values | null, written: ReadonlyMap<string, Written>): Written[] {
  if (values === null) return [];
  return FIELDS.flatMap((field) => {
    const line: Written[] = [];
    for (let one = written.get(token(field, values[field])); one !== undefined; one = one.over) line.push(one);
    return line;
  });
}

function token(field: Field, value: string): string {
  return `${field} ${value}`;
}

function show(values: Values | null | undefined): string {
  return values ? `${values.id}/${values.name}/${values.qty}` : 'nothing';
}
