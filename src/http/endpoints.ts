import { conflictEndpoints } from './conflict-endpoints.ts';
import { connectionEndpoints } from './connection-endpoints.ts';
import type { Endpoint } from './endpoint.ts';
import { errorEndpoints } from './error-endpoints.ts';
import { listEndpoints } from './list-endpoints.ts';
import { mappingEndpoints } from './mapping-endpoints.ts';
import { progressEndpoints } from './progress-endpoints.ts';
import { syncEndpoints } from './sync-endpoints.ts';

export const ENDPOINTS: readonly Endpoint[] = [
  ...syncEndpoints,
  ...listEndpoints,
  ...progressEndpoints,
  ...connectionEndpoints,
  ...mappingEndpoints,
  ...errorEndpoints,
  ...conflictEndpoints,
];
