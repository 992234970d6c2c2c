import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard';
import { appsAndLimits } from './apps-and-limits.ts';
import { errorsAndConflicts } from './errors-and-conflicts.ts';
import { mapping } from './mapping.ts';
import { overview } from './overview.ts';
import { sqlInsight } from './sql-insight.ts';
import { walAndSlot } from './wal-and-slot.ts';

/** Every dashboard by the name of its file in grafana/dashboards. */
export const DASHBOARDS: Readonly<Record<string, Dashboard>> = {
  overview,
  mapping,
  'wal-and-slot': walAndSlot,
  'apps-and-limits': appsAndLimits,
  'errors-and-conflicts': errorsAndConflicts,
  'sql-insight': sqlInsight,
};

export function dashboardText(dashboard: Dashboard): string {
  return `${JSON.stringify(dashboard, null, 2)}\n`;
}
