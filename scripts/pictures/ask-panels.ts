import type { Dashboard, Panel } from '@grafana/grafana-foundation-sdk/dashboard';
import type { Client, FieldDef } from 'pg';

/** A data frame as Grafana's own function `toDataFrame` takes it. */
interface Frame {
  readonly refId: string;
  readonly fields: readonly {
    readonly name: string;
    readonly type: 'time' | 'number' | 'string' | 'boolean';
    readonly values: readonly unknown[];
    readonly labels?: Readonly<Record<string, string>>;
    readonly config?: Readonly<Record<string, unknown>>;
  }[];
}

export interface Answered {
  readonly panel: Panel;
  readonly frames: readonly Frame[];
}

interface Target {
  readonly refId: string;
  readonly expr?: string;
  readonly legendFormat?: string;
  readonly instant?: boolean;
  readonly rawSql?: string;
  readonly format?: string;
}

interface Series {
  readonly metric: Readonly<Record<string, string>>;
  readonly value?: readonly [number, string];
  readonly values?: readonly (readonly [number, string])[];
}

interface Asking {
  readonly prometheus: string;
  readonly database: Client;
  /** Milliseconds. */
  readonly from: number;
  readonly to: number;
  /** Seconds from one sample to the next. */
  readonly step: number;
  readonly chosen: Readonly<Record<string, string>>;
}

/** Runs the queries of every panel, as Grafana would with these variables and this time range. */
export async function askPanels(dashboard: Dashboard, asking: Asking): Promise<Answered[]> {
  const answered: Answered[] = [];
  for (const entry of dashboard.panels ?? []) {
    const panel = entry as Panel;
    const title = filled(panel.title ?? '', asking);
    const frames: Frame[] = [];
    for (const target of (panel.targets ?? []) as unknown as Target[]) {
      if (target.expr !== undefined) frames.push(...(await askPrometheus(target, asking)));
      else if (target.rawSql !== undefined) frames.push(await askDatabase(target, asking));
    }
    answered.push({ panel: { ...panel, title }, frames });
  }
  return answered;
}

function filled(text: string, { chosen, from, to, step }: Asking): string {
  const known: Record<string, string> = {
    // Four samples at least, as Grafana counts it for a step that equals the scrape interval.
    __rate_interval: `${String(step * 4)}s`,
    '__timeFrom()': `'${new Date(from).toISOString()}'`,
    '__timeTo()': `'${new Date(to).toISOString()}'`,
    ...chosen,
  };
  return Object.entries(known).reduce((done, [name, value]) => done.replaceAll(`$${name}`, value), text);
}

async function askPrometheus(target: Target, asking: Asking): Promise<Frame[]> {
  const { prometheus, from, to, step } = asking;
  const query = filled(target.expr ?? '', asking);
  const seconds = { start: from / 1000, end: to / 1000 };
  const url = new URL(`${prometheus}/api/v1/${target.instant ? 'query' : 'query_range'}`);
  url.search = new URLSearchParams(
    target.instant
      ? { query, time: String(seconds.end) }
      : { query, start: String(seconds.start), end: String(seconds.end), step: String(step) },
  ).toString();
  const answer = (await (await fetch(url)).json()) as { error?: string; data?: { result: readonly Series[] } };
  if (answer.data === undefined) throw new Error(`Prometheus refuses a query: ${String(answer.error)}\n${query}`);
  return answer.data.result.map(({ metric, value, values = value === undefined ? [] : [value] }) => {
    // A series that pauses leaves a gap, as in Grafana, instead of a line across it.
    const at = new Map(values.map(([second, text]) => [Math.round(second), Number(text)]));
    const seconds = target.instant ? [...at.keys()] : every(step, from, to);
    const legend = (target.legendFormat ?? '').replaceAll(
      /{{\s*(\w+)\s*}}/g,
      (_, label: string) => metric[label] ?? '',
    );
    return {
      refId: target.refId,
      fields: [
        { name: 'Time', type: 'time', values: seconds.map((second) => second * 1000) },
        {
          name: 'Value',
          type: 'number',
          labels: metric,
          values: seconds.map((second) => at.get(second) ?? null).map((one) => (Number.isNaN(one) ? null : one)),
          config: legend === '' ? {} : { displayNameFromDS: legend },
        },
      ],
    };
  });
}

function every(step: number, from: number, to: number): number[] {
  const first = Math.round(from / 1000);
  return Array.from({ length: Math.floor((to - from) / 1000 / step) + 1 }, (_, at) => first + at * step);
}

const NUMBERS = [20, 21, 23, 700, 701, 1700];
const TIMES = [1082, 1114, 1184];

async function askDatabase(target: Target, asking: Asking): Promise<Frame> {
  const { fields, rows } = await asking.database.query<unknown[]>({
    text: filled(target.rawSql ?? '', asking),
    rowMode: 'array',
  });
  const frame: Frame = {
    refId: target.refId,
    fields: fields.map((field, at) =>
      column(
        field,
        rows.map((row) => row[at]),
      ),
    ),
  };
  return target.format === 'time_series' ? wide(frame) : frame;
}

function column({ name, dataTypeID }: FieldDef, values: readonly unknown[]): Frame['fields'][number] {
  if (TIMES.includes(dataTypeID))
    return { name, type: 'time', values: values.map((value) => (value instanceof Date ? value.getTime() : value)) };
  if (NUMBERS.includes(dataTypeID))
    return { name, type: 'number', values: values.map((value) => (value === null ? null : Number(value))) };
  if (dataTypeID === 16) return { name, type: 'boolean', values };
  const text = (value: unknown): unknown =>
    typeof value === 'object' && value !== null ? JSON.stringify(value) : value;
  return { name, type: 'string', values: values.map(text) };
}

/** One column of numbers for each value of the column `metric`, as the data source for Postgres makes of it. */
function wide(frame: Frame): Frame {
  const [time, metric, value] = frame.fields;
  if (metric?.type !== 'string') return frame;
  const times = [...new Set(time?.values)];
  const names = [...new Set(metric.values)];
  return {
    ...frame,
    fields: [
      { name: 'time', type: 'time', values: times },
      ...names.map((name) => ({
        name: String(name),
        type: 'number' as const,
        values: times.map((at) => {
          const row = metric.values.findIndex((one, index) => one === name && time?.values[index] === at);
          return row === -1 ? null : value?.values[row];
        }),
      })),
    ],
  };
}
