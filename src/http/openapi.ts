import { z } from 'zod';
import { packageVersion } from '../runtime/package-root.ts';
import type { Described } from './described.ts';
import { ENDPOINTS } from './endpoints.ts';
import { healthzRoute } from './healthz.ts';
import { metricsDescription } from './metrics-route.ts';
import { readRoutes } from './read.ts';
import { readyzRoute } from './readyz.ts';
import { accepted, problem } from './schemas.ts';
import { webhookRoute } from './webhooks.ts';

type Json = Record<string, unknown>;

const openApiRoute: Described = {
  method: 'GET',
  path: '/openapi.json',
  group: 'Probes',
  summary: 'This document.',
  needs: 'nothing',
  answer: z.looseObject({}),
  example: {},
};

/** Everything that the door answers. */
export const ROUTES: readonly Described[] = [
  ...ENDPOINTS,
  ...readRoutes,
  webhookRoute,
  healthzRoute,
  readyzRoute,
  metricsDescription,
  openApiRoute,
];

/** A route that nobody described would be one that no test of who may call it sees. */
export function requireDescription(method: string, path: string): void {
  if (ROUTES.some((route) => route.method === method && route.path === path)) return;
  throw new Error(`The route ${method} ${path} is not described in src/http/openapi.ts.`);
}

const NEEDS: Readonly<Record<Described['needs'], { readonly who: string; readonly security?: readonly Json[] }>> = {
  look: { who: 'For readers.' },
  operate: { who: 'For operators.' },
  probe: { who: 'For anybody where TIDEWAY_HTTP_OPEN lists it, else for readers.', security: [{}, { bearer: [] }] },
  proof: { who: 'For whoever signs it as the app does, or shows the secret of the connection.', security: [] },
  nothing: { who: 'For anybody.', security: [] },
};

const PROBLEM = { $ref: '#/components/responses/Problem' };

/** OpenAPI 3.1 of every route, from the schemas that check requests. */
export function openApi(): Json {
  const paths: Record<string, Json> = {};
  for (const route of ROUTES) {
    const path = route.path.replace(/:(\w+)/g, '{$1}');
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: operationOf(route) };
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Tideway',
      version: packageVersion,
      description: 'Keeps tables and apps in step. What is behind each route is told in docs/http.md.',
    },
    security: [{ bearer: [] }],
    paths,
    components: {
      securitySchemes: {
        bearer: {
          type: 'http',
          scheme: 'bearer',
          description: 'A token of tideway.create_api_token, or a JSON Web Token.',
        },
      },
      responses: {
        Problem: {
          description: 'What went wrong and what to do about it (RFC 9457).',
          content: { 'application/problem+json': { schema: schemaOf(problem, 'output') } },
        },
      },
    },
  };
}

function operationOf({
  method,
  path,
  group,
  summary,
  needs,
  params,
  query,
  body,
  answer,
  mayWait,
  type,
  also = {},
  example,
}: Described): Json {
  const { who, security } = NEEDS[needs];
  return {
    operationId: `${method.toLowerCase()}${path.replace(/[^a-z0-9]+(\w)/gi, (_, letter: string) => letter.toUpperCase())}`,
    tags: [group],
    summary,
    description: who,
    ...(security === undefined ? {} : { security }),
    parameters: [...parametersOf('path', params, example.params), ...parametersOf('query', query, example.query)],
    ...(body === undefined
      ? {}
      : {
          requestBody: { content: { 'application/json': { schema: schemaOf(body, 'input'), example: example.body } } },
        }),
    responses: {
      [String(example.status ?? 200)]: {
        description: 'Done.',
        content: { [type ?? 'application/json']: { schema: schemaOf(answer, 'output') } },
      },
      ...Object.fromEntries(Object.entries(also).map(([status, description]) => [status, { description }])),
      ...(mayWait
        ? {
            202: {
              description:
                'Under way: it took longer than TIDEWAY_HTTP_WAIT (25 s), or the request said Prefer: respond-async.',
              content: { 'application/json': { schema: schemaOf(accepted, 'output') } },
            },
          }
        : {}),
      default: PROBLEM,
    },
  };
}

function parametersOf(
  place: 'path' | 'query',
  schema: z.ZodType | undefined,
  example: Readonly<Record<string, string>> = {},
): Json[] {
  if (schema === undefined) return [];
  const {
    properties = {},
    required = [],
    additionalProperties,
  } = schemaOf(schema, 'input') as {
    properties?: Record<string, Json>;
    required?: string[];
    additionalProperties?: Json | false;
  };
  const named = Object.entries(properties).map(([name, of]) => ({
    name,
    in: place,
    required: place === 'path' || required.includes(name),
    schema: of,
    ...(example[name] === undefined ? {} : { example: example[name] }),
  }));
  if (place === 'path' || !additionalProperties) return named;
  const others = Object.fromEntries(Object.entries(example).filter(([name]) => !Object.hasOwn(properties, name)));
  const filters = { type: 'object', additionalProperties };
  return [...named, { name: 'filters', in: place, style: 'form', explode: true, schema: filters, example: others }];
}

function schemaOf(schema: z.ZodType, io: 'input' | 'output'): Json {
  const made = z.toJSONSchema(schema, { target: 'draft-2020-12', io, unrepresentable: 'any' });
  delete made.$schema;
  return made;
}
