import { mkdirSync, writeFileSync } from 'node:fs';
import { DASHBOARDS, dashboardText } from '../grafana/dashboards.ts';

mkdirSync('grafana/dashboards', { recursive: true });
for (const [name, dashboard] of Object.entries(DASHBOARDS)) {
  writeFileSync(`grafana/dashboards/${name}.json`, dashboardText(dashboard));
}
