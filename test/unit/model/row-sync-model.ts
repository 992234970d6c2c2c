import type { Model, Step } from './explore.ts';

/**
 * One row, one field, one app, and a daemon that may die between any two steps.
 *
 * Values are small numbers: 0 is what both sides start with, 1 and 2 are a person's edits of the row,
 * 8 and 9 a person's edits in the app. Time is not counted: "long enough" is a step that can be taken
 * only once nothing of ours is under way any more, which is what the waits of the design guarantee.
 */
export interface World {
  /**
   * at once: a write shows in the answer and in reads. lagging: reads show it later. queued: the answer shows nothing.
   * comparing: a write shows in reads at once, the answer shows neither it nor the record's new version, and a write that
   * demands another version than the record's is refused.
   */
  readonly app: 'at once' | 'lagging' | 'queued' | 'comparing';
  readonly localEdits: number;
  readonly remoteEdits: number;
  readonly crashes: number;
  readonly timeouts: number;
  readonly reads: number;
  /** The app answers as if it had taken a write, and keeps what it has. */
  readonly ignoresWrites: boolean;
}

/** The rules of the design; each can be replaced by one that an earlier draft had. */
export interface Rules {
  readonly storesSent: boolean;
  readonly keepsMarksWhileSent: boolean;
  readonly settlesBy: 'read asked for after' | 'read answered after';
  readonly remoteImage: 'shown' | 'sent';
  readonly merges: 'under the lock' | 'in the locking statement';
  readonly lateRequests: 'awaited' | 'forgotten by the next answer';
  readonly resends: 'after a read' | 'at once' | 'after the longest life';
  readonly answers: 'are judged like reads' | 'settle whatever they show';
  readonly withoutVersion: 'is read first' | 'goes out';
}

export const DESIGN: Rules = {
  storesSent: true,
  keepsMarksWhileSent: true,
  settlesBy: 'read asked for after',
  remoteImage: 'shown',
  merges: 'under the lock',
  lateRequests: 'awaited',
  resends: 'after a read',
  answers: 'are judged like reads',
  withoutVersion: 'is read first',
};

interface Sent {
  readonly value: number;
  /** Older values of ours that a late request or a stale read may still show. */
  readonly before: readonly number[];
  readonly answered: boolean;
  /** Some request was given up without an answer and may still land. */
  readonly late: boolean;
  /** Long enough ago: a read asked for from now on settles it. */
  readonly ripe: boolean;
  /** One: a read since then did not show it. Two: it was sent again since. */
  readonly resent: number;
  /** Nothing else was under way when it was first sent: a refusal leaves nothing to wait for. */
  readonly alone: boolean;
}

interface Read {
  readonly value: number | null;
  /** The link was not touched since the read was asked for. */
  readonly fresh: boolean;
  /** Asked for when `sent` was ripe. */
  readonly settles: boolean;
  /** The version it came with is still the record's. */
  readonly current: boolean;
}

/** What a link knows of the record's version, or a request demands of it: that it is as now, another, or nothing. */
type Version = 'current' | 'old' | 'none';

interface State {
  readonly row: number;
  readonly app: number;
  /** What reads show. */
  readonly index: number;
  readonly local: number;
  readonly remote: number;
  readonly sent: Sent | null;
  readonly wal: boolean;
  readonly mark: boolean;
  readonly flight: 'none' | 'claimed' | 'prepared' | 'waiting';
  readonly pushing: number;
  readonly answer: { readonly shown: number | null } | 'refused' | null;
  readonly network: readonly { readonly value: number; readonly awaited: boolean; readonly demands: Version }[];
  readonly queue: readonly number[];
  readonly reads: readonly Read[];
  readonly version: Version;
  /** The app refused a write: no other goes before a read. */
  readonly refused: boolean;
  /** Of the app's own people, the newest value that a read brought. */
  readonly seen: number;
  /** Only for the rule that merges in the locking statement: what it decided and has not written yet. */
  readonly merging: { readonly saw: number; readonly write: number } | null;
  readonly raised: boolean;
  readonly newest: number;
  readonly fault: string | null;
  readonly localEdits: number;
  readonly remoteEdits: number;
  readonly crashes: number;
  readonly timeouts: number;
}

const isRemotePerson = (value: number) => value >= 8;
const stale = (reads: readonly Read[]) => reads.map((read) => ({ ...read, fresh: false, settles: false }));
const unsettle = (reads: readonly Read[]) => reads.map((read) => ({ ...read, settles: false }));
const older = (version: Version): Version => (version === 'current' ? 'old' : version);
const without = <T>(list: readonly T[], index: number) => list.filter((_, at) => at !== index);

export function rowSyncModel(world: World, rules: Rules = DESIGN): Model<State> {
  const initial: State = {
    row: 0, app: 0, index: 0, local: 0, remote: 0, sent: null, wal: false, mark: false, flight: 'none', pushing: 0,
    answer: null, network: [], queue: [], reads: [], version: world.app === 'comparing' ? 'current' : 'none', refused: false,
    seen: 0, merging: null, raised: false, newest: 0, fault: null,
    localEdits: 0, remoteEdits: 0, crashes: 0, timeouts: 0,
  }; // prettier-ignore

  const write = (state: State, value: number): State => {
    const touched = { ...state, local: value, remote: value, sent: null, reads: stale(state.reads) };
    if (value === state.row) {
      return touched;
    }
    const fault = isRemotePerson(value)
      ? state.fault
      : `our own value ${String(value)} undid the row's ${String(state.row)}`;
    const seen = isRemotePerson(value) ? value : state.seen;
    return { ...touched, row: value, seen, wal: true, newest: value, fault };
  };

  const merge = (state: State, shown: number): State => {
    if (shown === state.remote) {
      return state;
    }
    if (rules.merges === 'in the locking statement') {
      return { ...state, merging: { saw: state.row, write: shown } };
    }
    // The row may differ from its image: then both sides changed, the policy is remote, and it is recorded.
    return write(state, shown);
  };

  const settle = (state: State, sent: Sent, shown: number): State => {
    if (shown === sent.value) {
      return { ...state, local: sent.value, remote: shown, sent: null, raised: false, reads: stale(state.reads) };
    }
    if (!sent.before.includes(shown)) {
      return write(state, shown);
    }
    if (sent.resent < 2 || !sent.answered) {
      const resent = sent.answered ? Math.max(sent.resent, 1) : 1;
      return { ...state, sent: { ...sent, resent }, mark: true, reads: stale(state.reads) };
    }
    return { ...state, local: sent.value, remote: shown, sent: null, raised: true, reads: stale(state.reads) };
  };

  const applyPage = (state: State, read: Read, shown: number): State => {
    const { sent } = state;
    const version = world.app === 'comparing' ? (read.current ? 'current' : 'old') : 'none';
    const known: State = { ...state, version, refused: false };
    if (sent !== null) {
      const settles = rules.settlesBy === 'read asked for after' ? read.settles : sent.ripe;
      return settles && state.flight === 'none' ? settle(known, sent, shown) : state;
    }
    return read.fresh ? merge(known, shown) : state;
  };

  const prepare = (state: State): State => {
    const { sent } = state;
    if (state.row === state.local && (sent === null || !rules.keepsMarksWhileSent)) {
      return { ...state, flight: 'none' };
    }
    if (state.row === state.remote && sent === null) {
      return { ...state, local: state.row, flight: 'none', reads: stale(state.reads) };
    }
    const sending = { ...state, flight: 'prepared' as const, pushing: state.row };
    if (!rules.storesSent) {
      return sending;
    }
    const before = sent === null ? [state.remote] : [...sent.before, sent.value];
    const next: Sent = {
      value: state.row,
      before: [...new Set(before)].filter((value) => value !== state.row).sort(),
      answered: false,
      // Once ripe, what was given up can land no more.
      late: sent?.late === true && !sent.ripe,
      ripe: false,
      resent: sent?.value === state.row && sent.resent > 0 ? 2 : 0,
      alone: world.app === 'comparing' && sent === null,
    };
    return { ...sending, sent: next, reads: unsettle(state.reads) };
  };

  const complete = (state: State, shown: number | null): State => {
    // What an answer does not tell is not known any more.
    const done: State = { ...state, flight: 'none', answer: null, version: 'none', reads: stale(state.reads) };
    const image = rules.remoteImage === 'sent' ? state.pushing : shown;
    if (state.sent === null) {
      return { ...done, local: state.pushing, remote: image ?? state.pushing };
    }
    const late = state.sent.late && rules.lateRequests === 'awaited';
    const sent: Sent = {
      ...state.sent,
      answered: true,
      late,
      // Reads show it at once, so any that is asked for from now on settles it.
      ripe: world.app === 'comparing' && !late,
    };
    if (world.app === 'at once' && !sent.late && image !== null) {
      return rules.answers === 'are judged like reads'
        ? settle({ ...done, sent }, sent, image)
        : { ...done, local: sent.value, remote: image, sent: null };
    }
    return { ...done, sent };
  };

  const refuse = (state: State): State => ({
    ...state,
    flight: 'none',
    answer: null,
    mark: true,
    refused: true,
    sent: state.sent?.alone === true ? null : state.sent,
    reads: stale(state.reads),
  });

  const giveUp = (state: State): State => ({
    ...state,
    flight: 'none',
    answer: null,
    mark: state.mark || state.flight !== 'none',
    network: state.network.map((request) => ({ ...request, awaited: false })),
    sent:
      state.sent === null || state.flight === 'none' || state.flight === 'claimed'
        ? state.sent
        : { ...state.sent, late: true, ripe: false },
  });

  const show = (state: State, app: number): State => {
    const shown = { ...state, app, index: world.app === 'lagging' ? state.index : app };
    if (world.app !== 'comparing') {
      return shown;
    }
    return {
      ...shown,
      version: older(state.version),
      network: state.network.map((request) => ({ ...request, demands: older(request.demands) })),
      reads: state.reads.map((read) => ({ ...read, current: false })),
    };
  };

  const next = (state: State): readonly Step<State>[] => {
    const steps: Step<State>[] = [];
    const can = (label: string, to: State) => steps.push({ label, state: to, free: true });
    const may = (label: string, to: State) => steps.push({ label, state: to, free: false });

    if (state.localEdits < world.localEdits) {
      for (const value of [0, 1, 2].filter((choice) => choice !== state.row)) {
        may(`person sets the row to ${String(value)}`, {
          ...state,
          row: value,
          wal: true,
          newest: value,
          localEdits: state.localEdits + 1,
        });
      }
    }
    if (state.remoteEdits < world.remoteEdits) {
      const value = 8 + state.remoteEdits;
      may(`person sets the app to ${String(value)}`, { ...show(state, value), remoteEdits: state.remoteEdits + 1 });
    }
    if (state.crashes < world.crashes) {
      may('daemon dies, next one takes the batch back', {
        ...giveUp(state),
        reads: [],
        merging: null,
        crashes: state.crashes + 1,
      });
    }
    if (state.wal) {
      can('follower marks the row', { ...state, wal: false, mark: true });
    }
    const waits =
      (rules.resends === 'after the longest life' && state.sent?.late === true && !state.sent.ripe) ||
      (rules.resends === 'after a read' && state.sent?.answered === false && state.sent.resent !== 1) ||
      (rules.withoutVersion === 'is read first' &&
        world.app === 'comparing' &&
        state.version === 'none' &&
        state.sent !== null &&
        state.sent.resent !== 1) ||
      state.refused;
    if (state.mark && state.flight === 'none' && !waits) {
      can('claim', { ...state, mark: false, flight: 'claimed' });
    }
    if (state.flight === 'claimed') {
      const prepared = prepare(state);
      can(prepared.flight === 'none' ? 'mark dropped: row equals an image' : `prepare ${String(state.row)}`, prepared);
    }
    if (state.flight === 'prepared') {
      can(`send ${String(state.pushing)}`, {
        ...state,
        flight: 'waiting',
        network: [...state.network, { value: state.pushing, awaited: true, demands: state.version }],
      });
    }
    const hopeless = state.answer === null && !state.network.some((request) => request.awaited);
    if (state.flight === 'waiting' && hopeless) {
      can('no answer in time: batch moves back', giveUp(state));
    } else if (state.flight === 'waiting' && state.timeouts < world.timeouts) {
      may('no answer in time: batch moves back', { ...giveUp(state), timeouts: state.timeouts + 1 });
    }
    state.network.forEach((request, at) => {
      const network = without(state.network, at);
      const takes = world.ignoresWrites ? state.app : request.value;
      const late = request.awaited ? '' : 'late ';
      if (request.demands === 'old') {
        const refused = { ...state, network };
        can(
          `app refuses the ${late}write of ${String(request.value)}`,
          request.awaited ? { ...refused, answer: 'refused' } : refused,
        );
      } else if (world.app === 'queued') {
        const queued = { ...state, network, queue: [...state.queue, takes] };
        can(
          `app queues the ${late}write of ${String(request.value)}`,
          request.awaited ? { ...queued, answer: { shown: null } } : queued,
        );
      } else {
        const overwrites = world.app === 'comparing' && isRemotePerson(state.app) && state.app !== state.seen;
        const fault = `our ${String(request.value)} went over the app's ${String(state.app)}, which no read had shown`;
        const taken = show({ ...state, network, fault: overwrites ? fault : state.fault }, takes);
        const shown = world.app === 'comparing' ? null : takes;
        can(
          `app takes the ${late}write of ${String(request.value)}`,
          request.awaited ? { ...taken, answer: { shown } } : taken,
        );
      }
      if (state.timeouts < world.timeouts) {
        may(`the ${late}write of ${String(request.value)} is lost`, {
          ...state,
          network,
          timeouts: state.timeouts + 1,
        });
      }
    });
    state.queue.forEach((value, at) => {
      can(`app applies the queued ${String(value)}`, {
        ...show(state, world.ignoresWrites ? state.app : value),
        queue: without(state.queue, at),
      });
    });
    if (state.index !== state.app) {
      can(`reads now show ${String(state.app)}`, { ...state, index: state.app });
    }
    if (state.answer === 'refused') {
      can('complete', refuse(state));
    } else if (state.answer !== null) {
      can('complete', complete(state, state.answer.shown));
    }
    const { sent } = state;
    const nothingUnderWay =
      state.flight === 'none' && state.network.length === 0 && state.queue.length === 0 && state.index === state.app;
    if (sent !== null && !sent.ripe && nothingUnderWay) {
      can('the longest life and the delay are over', { ...state, sent: { ...sent, ripe: true } });
    }
    if (state.reads.length < world.reads) {
      can('read asked for', {
        ...state,
        reads: [...state.reads, { value: null, fresh: true, settles: sent?.ripe === true, current: false }],
      });
    }
    state.reads.forEach((read, at) => {
      if (read.value === null) {
        can(`app answers a read with ${String(state.index)}`, {
          ...state,
          reads: state.reads.map((other, index) =>
            index === at ? { ...other, value: state.index, current: world.app === 'comparing' } : other,
          ),
        });
      } else if (state.merging === null) {
        can(
          `page with ${String(read.value)} applied`,
          applyPage({ ...state, reads: without(state.reads, at) }, read, read.value),
        );
      }
    });
    if (state.merging !== null) {
      const { saw, write: value } = state.merging;
      const written = write({ ...state, merging: null }, value);
      const fault =
        saw === state.row
          ? written.fault
          : `a commit of ${String(state.row)} between snapshot and write was overwritten`;
      can(`merge of the earlier snapshot writes ${String(value)}`, { ...written, fault });
    }
    return steps;
  };

  const quiet = (state: State) =>
    !state.wal && !state.mark && state.flight === 'none' && state.sent === null && state.network.length === 0 &&
    state.queue.length === 0 && state.reads.length === 0 && state.merging === null && state.index === state.app &&
    state.remote === state.index; // prettier-ignore

  const broken = (state: State): string | null => {
    if (state.fault !== null) {
      return state.fault;
    }
    if (!quiet(state) || state.raised) {
      return null;
    }
    if (state.row !== state.app) {
      return `at rest the row is ${String(state.row)} and the app ${String(state.app)}`;
    }
    if (state.row !== state.newest && !isRemotePerson(state.row)) {
      return `at rest both are ${String(state.row)}, and the newest edit was ${String(state.newest)}`;
    }
    return null;
  };

  return { initial, next, quiet, broken };
}
