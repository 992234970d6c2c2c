import type { Model, Step } from './explore.ts';

/** One new row, whose record in the app must be made exactly once, by daemons that die and requests that land late. */
export interface CreateWorld {
  /** How the app lets a record of ours be recognised. */
  readonly recognised: 'by a correlation column' | 'by an idempotency key' | 'not at all';
  /** Searches and pages show a new record only later. */
  readonly lags: boolean;
  readonly crashes: number;
  readonly timeouts: number;
}

export interface CreateRules {
  readonly looksUp: 'after the longest life' | 'at once' | 'never';
  readonly unknownRecords: 'wait while a create is open' | 'become rows';
  readonly lateAnswers: 'are evidence' | 'are thrown away';
}

export const CREATE_DESIGN: CreateRules = {
  looksUp: 'after the longest life',
  unknownRecords: 'wait while a create is open',
  lateAnswers: 'are evidence',
};

interface State {
  readonly rows: number;
  /** One entry per record in the app: does a search show it? */
  readonly records: readonly boolean[];
  readonly linked: number | null;
  readonly mark: boolean;
  readonly sent: 'no' | 'open' | 'late' | 'ripe';
  readonly flight: 'none' | 'claimed' | 'prepared' | 'waiting';
  readonly network: readonly { readonly awaited: boolean }[];
  readonly answers: readonly { readonly record: number; readonly awaited: boolean }[];
  readonly asks: boolean;
  readonly crashes: number;
  readonly timeouts: number;
}

const without = <T>(list: readonly T[], index: number) => list.filter((_, at) => at !== index);

export function createModel(world: CreateWorld, rules: CreateRules = CREATE_DESIGN): Model<State> {
  const initial: State = {
    rows: 1, records: [], linked: null, mark: true, sent: 'no', flight: 'none',
    network: [], answers: [], asks: false, crashes: 0, timeouts: 0,
  }; // prettier-ignore

  const link = (state: State, record: number): State => ({
    ...state,
    linked: record,
    sent: 'no',
    flight: 'none',
    mark: false,
    asks: false,
  });

  const giveUp = (state: State): State => ({
    ...state,
    flight: 'none',
    mark: state.mark || state.flight !== 'none',
    sent: state.sent === 'no' || state.flight === 'none' || state.flight === 'claimed' ? state.sent : 'late',
    network: state.network.map(() => ({ awaited: false })),
    answers: state.answers.map((answer) => ({ ...answer, awaited: false })),
  });

  const prepare = (state: State): State => {
    if (state.linked !== null) {
      return { ...state, flight: 'none' };
    }
    const sending: State = { ...state, flight: 'prepared', sent: 'open' };
    if (state.sent === 'no' || world.recognised === 'by an idempotency key' || rules.looksUp === 'never') {
      return sending;
    }
    if (world.recognised === 'not at all') {
      return { ...state, flight: 'none', asks: true };
    }
    const found = state.records.indexOf(true);
    return found === -1 ? sending : link(state, found);
  };

  const next = (state: State): readonly Step<State>[] => {
    const steps: Step<State>[] = [];
    const can = (label: string, to: State) => steps.push({ label, state: to, free: true });
    const may = (label: string, to: State) => steps.push({ label, state: to, free: false });

    const waits =
      state.sent !== 'no' &&
      state.sent !== 'ripe' &&
      rules.looksUp === 'after the longest life' &&
      world.recognised !== 'by an idempotency key';
    if (state.mark && state.flight === 'none' && !waits) {
      can('claim', { ...state, mark: false, flight: 'claimed' });
    }
    if (state.flight === 'claimed') {
      can('prepare, after a look-up where the create is uncertain', prepare(state));
    }
    if (state.flight === 'prepared') {
      can('send the create', { ...state, flight: 'waiting', network: [...state.network, { awaited: true }] });
    }
    state.network.forEach((request, at) => {
      const network = without(state.network, at);
      const known = world.recognised === 'by an idempotency key' && state.records.length > 0;
      const records = known ? state.records : [...state.records, !world.lags];
      const record = known ? 0 : records.length - 1;
      can(`app makes the ${request.awaited ? '' : 'late '}record`, {
        ...state,
        network,
        records,
        answers: [...state.answers, { record, awaited: request.awaited }],
      });
      if (state.timeouts < world.timeouts) {
        may('the create is lost', { ...state, network, timeouts: state.timeouts + 1 });
      }
    });
    state.records.forEach((shown, at) => {
      if (!shown) {
        can('searches and pages show the record', {
          ...state,
          records: state.records.map((other, index) => other || index === at),
        });
      }
    });
    state.answers.forEach((answer, at) => {
      const answers = without(state.answers, at);
      if (answer.awaited) {
        can('complete', link({ ...state, answers }, answer.record));
      } else {
        const evidence = rules.lateAnswers === 'are evidence' && state.linked === null;
        can(
          'a fenced owner brings a late answer',
          evidence ? link({ ...state, answers }, answer.record) : { ...state, answers },
        );
        may('a late answer is lost', { ...state, answers });
      }
    });
    if (state.flight === 'waiting') {
      const hopeless =
        !state.answers.some((answer) => answer.awaited) && !state.network.some((request) => request.awaited);
      if (hopeless) {
        can('no answer in time', giveUp(state));
      } else if (state.timeouts < world.timeouts) {
        may('no answer in time', { ...giveUp(state), timeouts: state.timeouts + 1 });
      }
    }
    if (state.crashes < world.crashes) {
      may('daemon dies, next one takes the batch back', { ...giveUp(state), crashes: state.crashes + 1 });
    }
    if (state.sent === 'late' && state.network.length === 0 && !state.records.includes(false)) {
      can('the longest life and the delay are over', { ...state, sent: 'ripe' });
    }
    const unknown = state.records.findIndex((shown, record) => shown && record !== state.linked);
    if (unknown !== -1) {
      if (state.linked !== null || rules.unknownRecords === 'become rows') {
        can('a page with an unknown record becomes a row', { ...state, rows: state.rows + 1 });
      } else if (world.recognised === 'by a correlation column') {
        can('a page with the record that is recognised', { ...state, linked: unknown, sent: 'no' });
      }
    }
    return steps;
  };

  const quiet = (state: State) =>
    state.network.length === 0 &&
    state.answers.length === 0 &&
    state.flight === 'none' &&
    (state.asks || (!state.mark && state.sent === 'no'));

  const broken = (state: State): string | null => {
    if (state.records.length > 1) {
      return 'the app has two records of one row';
    }
    if (state.rows > 1) {
      return 'the record came back as a second row';
    }
    return quiet(state) && !state.asks && state.linked === null
      ? 'at rest the row has no record and nobody is asked'
      : null;
  };

  return { initial, next, quiet, broken };
}
