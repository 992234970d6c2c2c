import type { Dashboard, Panel } from '@grafana/grafana-foundation-sdk/dashboard';

interface Target {
  readonly expr?: string;
  readonly rawSql?: string;
}

/** Panels without the rows between them. */
export function panelsOf(dashboard: Dashboard): Panel[] {
  return (dashboard.panels ?? []).filter((panel): panel is Panel => panel.type !== 'row');
}

export function targetsOf(panel: Panel): Target[] {
  return (panel.targets ?? []) as Target[];
}
