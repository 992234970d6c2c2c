// Runs in the browser: draws one dashboard with the components that Grafana itself draws with.
import {
  applyFieldOverrides,
  createTheme,
  dateTime,
  getFieldDisplayValues,
  standardFieldConfigEditorRegistry,
  ThemeContext,
  toDataFrame,
  VizOrientation,
} from '@grafana/data';
import { BarGauge, BigValue, GlobalStyles, Icon, PanelChrome, TimeSeries, VizRepeater } from '@grafana/ui';
import { TableNG } from '@grafana/ui/unstable';
import { Component, createElement } from 'react';
import { createRoot } from 'react-dom/client';
import '@fontsource/inter/400.css';
import '@fontsource/inter/500.css';
import 'uplot/dist/uPlot.min.css';

const theme = createTheme({ colors: { mode: 'light' } });
const timeZone = 'utc';
const asIs = (value) => value;

/** What Grafana's panel plugins add to a field that does not say otherwise; they come with its server only. */
const OF_PLUGIN = {
  timeseries: {
    drawStyle: 'line',
    lineInterpolation: 'linear',
    lineWidth: 1,
    fillOpacity: 0,
    gradientMode: 'none',
    barAlignment: 0,
    barWidthFactor: 0.6,
    showPoints: 'auto',
    pointSize: 5,
    spanNulls: false,
    insertNulls: false,
    stacking: { mode: 'none', group: 'A' },
    axisPlacement: 'auto',
    axisLabel: '',
    axisColorMode: 'text',
    axisBorderShow: false,
    axisCenteredZero: false,
    scaleDistribution: { type: 'linear' },
    hideFrom: { legend: false, tooltip: false, viz: false },
    thresholdsStyle: { mode: 'off' },
  },
  table: { align: 'auto', cellOptions: { type: 'auto' }, inspect: false },
};
const COLOR = { timeseries: 'palette-classic', table: 'thresholds', stat: 'thresholds', bargauge: 'thresholds' };

standardFieldConfigEditorRegistry.setInit(() =>
  ['unit', 'min', 'max', 'decimals', 'displayName', 'color', 'thresholds', 'mappings', 'noValue', 'links', 'custom']
    .map((id) => ({ id, path: id }))
    .concat(['custom.hideFrom', 'custom.width', 'custom.cellOptions', 'custom.align'].map((id) => ({ id, path: id })))
    .map((option) => ({
      ...option,
      name: option.id,
      isCustom: false,
      // A copy: fields would share what an override changes.
      process: (value) => structuredClone(value),
      shouldApply: () => true,
      editor: () => null,
      override: () => null,
    })),
);

function framesOf({ panel, frames }) {
  const { defaults = {}, overrides = [] } = panel.fieldConfig ?? {};
  return applyFieldOverrides({
    data: frames.map((frame) => toDataFrame(frame)),
    fieldConfig: {
      defaults: {
        ...defaults,
        color: defaults.color ?? { mode: COLOR[panel.type] },
        custom: { ...OF_PLUGIN[panel.type], ...defaults.custom },
      },
      overrides,
    },
    replaceVariables: asIs,
    theme,
    timeZone,
  });
}

function valuesOf({ panel }, data, sparkline) {
  return getFieldDisplayValues({
    data,
    fieldConfig: panel.fieldConfig ?? { defaults: {}, overrides: [] },
    reduceOptions: panel.options.reduceOptions,
    replaceVariables: asIs,
    theme,
    timeZone,
    sparkline,
  });
}

const DRAW = {
  timeseries: ({ panel, data, width, height, timeRange }) => (
    <TimeSeries
      frames={data}
      width={width}
      height={height}
      timeRange={timeRange}
      timeZone={timeZone}
      legend={panel.options?.legend ?? { displayMode: 'list', placement: 'bottom', showLegend: true, calcs: [] }}
      options={panel.options ?? {}}
    />
  ),
  stat: ({ panel, values, width, height }) => (
    <VizRepeater
      source={values}
      getValues={() => values}
      width={width}
      height={height}
      orientation={VizOrientation.Auto}
      renderCounter={0}
      autoGrid
      renderValue={({ value, width: across, height: down, count }) => (
        <BigValue
          value={value.display}
          sparkline={panel.options.graphMode === 'area' ? value.sparkline : undefined}
          width={across}
          height={down}
          count={count}
          colorMode={panel.options.colorMode}
          graphMode={panel.options.graphMode}
          justifyMode={panel.options.justifyMode ?? 'auto'}
          textMode={panel.options.textMode ?? 'auto'}
          theme={theme}
        />
      )}
    />
  ),
  bargauge: ({ panel, values, width, height }) => {
    const shown = values.filter(({ display }) => !Number.isNaN(display.numeric));
    return (
      <VizRepeater
        source={shown}
        getValues={() => shown}
        width={width}
        height={height}
        orientation={panel.options.orientation ?? VizOrientation.Horizontal}
        renderCounter={0}
        itemSpacing={10}
        minVizHeight={panel.options.minVizHeight}
        maxVizHeight={panel.options.maxVizHeight}
        getAlignmentFactors={(all) => ({
          title: longest(all, ({ display }) => display.title ?? ''),
          text: longest(all, ({ display }) => display.text),
        })}
        renderValue={({ value, width: across, height: down, orientation, alignmentFactors, count }) => (
          <BarGauge
            value={value.display}
            field={value.field}
            display={value.view?.getFieldDisplayProcessor(value.colIndex)}
            width={across}
            height={down}
            orientation={orientation}
            alignmentFactors={count > 1 ? alignmentFactors : undefined}
            displayMode={panel.options.displayMode ?? 'gradient'}
            valueDisplayMode={panel.options.valueMode ?? 'color'}
            namePlacement={panel.options.namePlacement ?? 'auto'}
            showUnfilled={panel.options.showUnfilled ?? true}
            itemSpacing={8}
            lcdCellWidth={12}
            isOverflow={false}
            theme={theme}
          />
        )}
      />
    );
  },
  table: ({ data, width, height }) => <TableNG data={data[0]} width={width} height={height} />,
};

function longest(all, textOf) {
  return all.map(textOf).reduce((found, text) => (text.length > found.length ? text : found), '');
}

function isEmpty(data) {
  return data.every((frame) => frame.length === 0);
}

function Inside({ shown, width, height, timeRange }) {
  const data = framesOf(shown);
  const { panel } = shown;
  if (isEmpty(data)) return <div className="none">{panel.fieldConfig?.defaults?.noValue ?? 'No data'}</div>;
  const values = panel.type === 'stat' || panel.type === 'bargauge' ? valuesOf(shown, data, panel.type === 'stat') : [];
  return createElement(DRAW[panel.type], { panel, data, values, width, height, timeRange });
}

/** A panel that cannot be drawn must fail the script, not leave a hole. */
class Guarded extends Component {
  state = { error: undefined };
  static getDerivedStateFromError = (error) => ({ error });
  componentDidCatch(error) {
    console.error(`CANNOT DRAW ${this.props.title}: ${String(error.stack ?? error)}`);
  }
  render() {
    return this.state.error ? null : this.props.children;
  }
}

function Board({ title, choices, from, to, panels, cell, gap }) {
  const timeRange = { from: dateTime(from), to: dateTime(to), raw: { from: dateTime(from), to: dateTime(to) } };
  return (
    <>
      <header>
        <strong>{title}</strong>
        {choices.map(([label, value]) => (
          <span className="choice" key={label}>
            <b>{label}</b>
            {value}
          </span>
        ))}
        <span className="choice range">
          {new Date(from).toISOString().slice(0, 19).replace('T', ' ')} to {new Date(to).toISOString().slice(11, 19)}{' '}
          UTC
        </span>
      </header>
      {panels.map((shown) => {
        const { id, type, title: name, description, gridPos, links = [] } = shown.panel;
        const box = {
          left: gap + gridPos.x * cell.width,
          top: gap + 48 + gridPos.y * cell.height,
          width: gridPos.w * cell.width - gap,
          height: gridPos.h * cell.height - gap,
        };
        return (
          <div key={id} className={type} style={{ position: 'absolute', ...box }}>
            {type === 'row' ? (
              <h6>
                <Icon name="angle-down" /> {name}
              </h6>
            ) : (
              <PanelChrome
                title={name}
                description={description}
                titleItems={links.length > 0 ? <Icon className="link" name="external-link-alt" /> : undefined}
                width={box.width}
                height={box.height}
                padding={type === 'table' ? 'none' : 'md'}
              >
                {(width, height) => (
                  <Guarded title={name}>
                    <Inside shown={shown} width={width} height={height} timeRange={timeRange} />
                  </Guarded>
                )}
              </PanelChrome>
            )}
          </div>
        );
      })}
    </>
  );
}

createRoot(document.getElementById('board')).render(
  <ThemeContext.Provider value={theme}>
    <GlobalStyles isExtensionDevToolsEnabled={false} />
    <Board {...window.board} />
  </ThemeContext.Provider>,
);
