import {
  DashboardBuilder,
  DashboardCursorSync,
  DashboardLinkBuilder,
  DashboardLinkType,
  ConstantVariableBuilder,
  DatasourceVariableBuilder,
  QueryVariableBuilder,
  RowBuilder,
  TextBoxVariableBuilder,
  ThresholdsConfigBuilder,
  ThresholdsMode,
  VariableHide,
  VariableRefresh,
  VariableSort,
  type Dashboard,
  type Panel,
} from '@grafana/grafana-foundation-sdk/dashboard';
import * as bargauge from '@grafana/grafana-foundation-sdk/bargauge';
import type { Builder, Dataquery } from '@grafana/grafana-foundation-sdk/cog';
import {
  BarGaugeDisplayMode,
  BarGaugeSizing,
  BigValueColorMode,
  BigValueGraphMode,
  BigValueTextMode,
  GraphDrawStyle,
  LegendDisplayMode,
  LegendPlacement,
  ReduceDataOptionsBuilder,
  StackingConfigBuilder,
  StackingMode,
  VizLegendOptionsBuilder,
  VizOrientation,
} from '@grafana/grafana-foundation-sdk/common';
import * as prometheus from '@grafana/grafana-foundation-sdk/prometheus';
import * as stat from '@grafana/grafana-foundation-sdk/stat';
import * as table from '@grafana/grafana-foundation-sdk/table';
import * as timeseries from '@grafana/grafana-foundation-sdk/timeseries';

/** One expression of PromQL and how its series are called. */
export type Series = readonly [expression: string, legend: string];

/** From which value on which colour; the first has no value. */
export type Steps = readonly (readonly [value: number | null, color: 'green' | 'yellow' | 'red' | 'blue'])[];

export interface Look {
  readonly title: string;
  /** What it shows, and the SQL that answers the same question. */
  readonly about: string;
  readonly unit?: string;
  readonly steps?: Steps;
  readonly width?: number;
  readonly height?: number;
  readonly max?: number;
  /** What stands there while there is nothing to show. */
  readonly empty?: string;
  /** A section of docs/runbook.md. */
  readonly runbook?: string;
}

type PanelBuilder = timeseries.PanelBuilder | stat.PanelBuilder | table.PanelBuilder | bargauge.PanelBuilder;

const METRICS = { type: 'prometheus', uid: '${metrics}' };
const DATABASE = { type: 'grafana-postgresql-datasource', uid: '${database}' };
const CALM: Steps = [[null, 'green']];

/** Good while nothing is there. */
export const NONE: Steps = [
  [null, 'green'],
  [1, 'red'],
];

/** Series that mean good or bad have one colour everywhere; of several with one meaning each has its own shade. */
const MEANINGS: readonly (readonly [names: string, color: string])[] = [
  ['written|created|completed|2xx|stored|from the app', 'green'],
  ['updated|found|4xx|to the app', 'blue'],
  ['unchanged|duplicate|paused', 'text'],
  ['marked|in_flight', 'purple'],
  ['retry|deferred|uncertain|held|429|completed_with_errors|conflict|flapping', 'orange'],
  ['refused|failed|5xx|not_found|missing|SIGNATURE_INVALID', 'red'],
];

function dressed<Builder extends PanelBuilder>(builder: Builder, look: Look): Builder {
  const steps = look.steps ?? CALM;
  builder.title(look.title);
  builder.description(look.about);
  builder.span(look.width ?? 12);
  builder.height(look.height ?? 8);
  builder.unit(look.unit ?? 'short');
  builder.thresholds(
    new ThresholdsConfigBuilder()
      .mode(ThresholdsMode.Absolute)
      .steps(steps.map(([value, color]) => ({ value, color }))),
  );
  if (look.max !== undefined) builder.max(look.max);
  if (look.runbook !== undefined) {
    builder.links([
      new DashboardLinkBuilder('What to do').type(DashboardLinkType.Link).url(`\${docs}/runbook.md#${look.runbook}`),
    ]);
  }
  return builder;
}

function queries(series: readonly Series[]): prometheus.DataqueryBuilder[] {
  return series.map(([expression, legend], at) =>
    new prometheus.DataqueryBuilder()
      .refId(String.fromCharCode(65 + at))
      .datasource(METRICS)
      .expr(expression)
      .legendFormat(legend),
  );
}

/** Curves over time. */
export function lines(look: Look, ...series: Series[]): timeseries.PanelBuilder {
  const builder = dressed(new timeseries.PanelBuilder(), look).datasource(METRICS).min(0).fillOpacity(10);
  for (const [names, color] of MEANINGS) {
    builder.overrideByRegexp(`/(^|\\s)(${names})$/`, [{ id: 'color', value: { mode: 'shades', fixedColor: color } }]);
  }
  return builder
    .withOverride({
      matcher: { id: 'byValue', options: { reducer: 'allIsZero', op: 'gte', value: 0 } },
      properties: [{ id: 'custom.hideFrom', value: { legend: true, tooltip: true, viz: false } }],
    })
    .legend(
      new VizLegendOptionsBuilder()
        .displayMode(LegendDisplayMode.List)
        .placement(LegendPlacement.Bottom)
        .showLegend(true)
        .calcs([]),
    )
    .targets(queries(series));
}

/** One number, coloured by how bad it is. */
export function figure(look: Look, expression: string): stat.PanelBuilder {
  const builder = dressed(new stat.PanelBuilder(), { width: 4, height: 4, ...look });
  // An increase that Prometheus reckons is rarely whole, what is counted always is.
  if (look.unit === undefined) builder.decimals(0);
  return builder
    .noValue(look.empty ?? 'Nothing yet')
    .datasource(METRICS)
    .colorMode(BigValueColorMode.BackgroundSolid)
    .graphMode(BigValueGraphMode.Area)
    .reduceOptions(new ReduceDataOptionsBuilder().calcs(['lastNotNull']).fields('').values(false))
    .targets(queries([[expression, '']]));
}

/** The word of a label, green as long as it is the one that is wanted. */
export function word(look: Look, wanted: string, ...[expression, legend]: Series): stat.PanelBuilder {
  return dressed(new stat.PanelBuilder(), { width: 4, height: 4, ...look })
    .datasource(METRICS)
    .colorMode(BigValueColorMode.BackgroundSolid)
    .graphMode(BigValueGraphMode.None)
    .textMode(BigValueTextMode.Name)
    .overrideByRegexp(`/^(?!${wanted}$)/`, [{ id: 'color', value: { mode: 'fixed', fixedColor: 'red' } }])
    .reduceOptions(new ReduceDataOptionsBuilder().calcs(['lastNotNull']).fields('').values(false))
    .targets(queries([[expression, legend]]).map((query) => query.instant()));
}

/** One line per mapping, the worst first; each leads to the mapping in depth. */
export function ranking(look: Look, ...series: Series[]): bargauge.PanelBuilder {
  const builder = dressed(new bargauge.PanelBuilder(), look);
  if (look.unit === undefined) builder.decimals(0);
  return builder
    .datasource(METRICS)
    .min(0)
    .orientation(VizOrientation.Horizontal)
    .displayMode(BarGaugeDisplayMode.Basic)
    .sizing(BarGaugeSizing.Manual)
    .minVizHeight(16)
    .maxVizHeight(36)
    .reduceOptions(new ReduceDataOptionsBuilder().calcs(['lastNotNull']).fields('').values(false))
    .dataLinks([
      new DashboardLinkBuilder('This mapping in depth').url(
        '/d/tideway-mapping?${metrics:queryparam}&var-mapping=${__field.labels.mapping}&${__url_time_range}',
      ),
    ])
    .targets(queries(series).map((query) => query.instant()));
}

/** The answer of one statement as a table; short columns may be given a width, so that long ones have the rest. */
export function answer(
  look: Look,
  statement: string,
  widths: Readonly<Record<string, number>> = {},
): table.PanelBuilder {
  const builder = dressed(new table.PanelBuilder(), { width: 24, unit: 'none', ...look })
    .datasource(DATABASE)
    .overrideByRegexp('/_ms$/', [{ id: 'unit', value: 'ms' }])
    .overrideByRegexp('/_seconds$/', [{ id: 'unit', value: 's' }])
    .withTarget(sql(statement, 'table'));
  for (const [column, width] of Object.entries(widths)) {
    builder.overrideByName(column, [{ id: 'custom.width', value: width }]);
  }
  return builder;
}

/** The answer of one statement over time: its first column is `time`. */
export function history(look: Look, statement: string): timeseries.PanelBuilder {
  return dressed(new timeseries.PanelBuilder(), look)
    .datasource(DATABASE)
    .min(0)
    .drawStyle(GraphDrawStyle.Bars)
    .stacking(new StackingConfigBuilder().mode(StackingMode.Normal).group('A'))
    .fillOpacity(60)
    .withTarget(sql(statement, 'time_series'));
}

/** One bar per row: its first column is the name, its second the value. */
export function bars(look: Look, statement: string): bargauge.PanelBuilder {
  return dressed(new bargauge.PanelBuilder(), look)
    .datasource(DATABASE)
    .min(0)
    .orientation(VizOrientation.Horizontal)
    .displayMode(BarGaugeDisplayMode.Basic)
    .sizing(BarGaugeSizing.Manual)
    .minVizHeight(16)
    .maxVizHeight(36)
    .reduceOptions(new ReduceDataOptionsBuilder().calcs(['lastNotNull']).fields('').values(true))
    .withTarget(sql(statement, 'table'));
}

/** The package has no query for Postgres. */
function sql(statement: string, format: 'table' | 'time_series'): Builder<Dataquery> {
  const query = { refId: 'A', datasource: DATABASE, format, rawQuery: true, editorMode: 'code', rawSql: statement };
  return { build: () => query as unknown as Dataquery };
}

export interface Plan {
  readonly uid: string;
  readonly title: string;
  readonly about: string;
  readonly variables: readonly ('connection' | 'mapping' | 'one mapping' | 'database' | 'row')[];
  /** One row per question of an operator. */
  readonly questions: readonly (readonly [question: string, ...panels: Builder<Panel>[]])[];
}

/** A whole dashboard; all of them are linked by their tag. */
export function dashboard({ uid, title, about, variables, questions }: Plan): Dashboard {
  const builder = new DashboardBuilder(`Tideway: ${title}`)
    .uid(uid)
    .description(about)
    .tags(['tideway'])
    .time({ from: 'now-6h', to: 'now' })
    .refresh('30s')
    .tooltip(DashboardCursorSync.Crosshair)
    .link(
      new DashboardLinkBuilder('Tideway')
        .type(DashboardLinkType.Dashboards)
        .tags(['tideway'])
        .asDropdown(true)
        .includeVars(true)
        .keepTime(true),
    )
    .link(new DashboardLinkBuilder('Runbook').type(DashboardLinkType.Link).url('${docs}/runbook.md').targetBlank(true))
    .withVariable({
      build: () => ({ ...new ConstantVariableBuilder('docs').value('docs').build(), hide: VariableHide.HideVariable }),
    })
    .withVariable(new DatasourceVariableBuilder('metrics').label('Metrics').type('prometheus'));
  for (const name of variables) {
    if (name === 'connection') {
      builder.withVariable(chosen('connection', 'label_values(tideway_connection_owned, connection)', true));
    } else if (name === 'mapping' || name === 'one mapping') {
      const from = variables.includes('connection') ? '{connection=~"$connection"}' : '';
      builder.withVariable(chosen('mapping', `label_values(tideway_outbox_rows${from}, mapping)`, name === 'mapping'));
    } else if (name === 'database') {
      builder.withVariable(
        new DatasourceVariableBuilder('database').label('Database').type('grafana-postgresql-datasource'),
      );
    } else {
      builder.withVariable(new TextBoxVariableBuilder('table').label('Table').defaultValue('public.products'));
      builder.withVariable(new TextBoxVariableBuilder('key').label('Key').defaultValue('1'));
    }
  }
  for (const [question, ...panels] of questions) {
    builder.withRow(new RowBuilder(question));
    for (const panel of panels) builder.withPanel(panel);
  }
  const built = builder.build();
  // Links and repeats of panels need an id; the package leaves them out.
  (built.panels ?? []).forEach((panel, at) => (panel.id = at + 1));
  return built;
}

function chosen(name: string, query: string, several: boolean): QueryVariableBuilder {
  const builder = new QueryVariableBuilder(name)
    .label(`${name.charAt(0).toUpperCase()}${name.slice(1)}`)
    .datasource(METRICS)
    .query(query)
    .refresh(VariableRefresh.OnTimeRangeChanged)
    .sort(VariableSort.AlphabeticalAsc);
  return several
    ? builder.multi(true).includeAll(true).allValue('.*').current({ selected: true, text: 'All', value: '$__all' })
    : builder;
}
