import { z } from 'zod';
import { packageVersion } from '../runtime/package-root.ts';
import type { Endpoint } from './endpoint.ts';
import { ENDPOINTS } from './endpoints.ts';
import { accepted, problem } from './schemas.ts';

type Json = Record<string, unknown>;

const PROBLEM = { $ref: '#/components/responses/Problem' };

/** OpenAPI 3.1 of everything under /api and of what requirements reach under /functions, from the schemas that check requests. */
export function openApi(): Json {
  const paths: Record<string, Json> = {};
  for (const endpoint of ENDPOINTS) {
    const path = endpoint.path.replace(/:(\w+)/g, '{$1}');
    paths[path] = { ...paths[path], [endpoint.method.toLowerCase()]: operationOf(endpoint) };
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Tideway',
      version: packageVersion,
      description:
        'Keeps tables and apps in step. Health, metrics, webhooks and the read cache are described in docs/http.md.',
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
  stream,
  example,
}: Endpoint): Json {
  return {
    operationId: `${method.toLowerCase()}${path.replace(/[^a-z0-9]+(\w)/gi, (_, letter: string) => letter.toUpperCase())}`,
    tags: [group],
    summary,
    description: `For ${needs === 'operate' ? 'operators' : 'readers'}.`,
    parameters: [...parametersOf('path', params, example.params), ...parametersOf('query', query, example.query)],
    ...(body === undefined
      ? {}
      : {
          requestBody: { content: { 'application/json': { schema: schemaOf(body, 'input'), example: example.body } } },
        }),
    responses: {
      [String(example.status ?? 200)]: {
        description: 'Done.',
        content: { [stream ?? 'application/json']: { schema: schemaOf(answer, 'output') } },
      },
      ...(mayWait
        ? {
            202: {
              description: 'Under way: it took longer than 25 s, or the request said Prefer: respond-async.',
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
  const { properties = {}, required = [] } = schemaOf(schema, 'input') as {
    properties?: Record<string, Json>;
    required?: string[];
  };
  return Object.entries(properties).map(([name, of]) => ({
    name,
    in: place,
    required: place === 'path' || required.includes(name),
    schema: of,
    ...(example[name] === undefined ? {} : { example: example[name] }),
  }));
}

function schemaOf(schema: z.ZodType, io: 'input' | 'output'): Json {
  const made = z.toJSONSchema(schema, { target: 'draft-2020-12', io, unrepresentable: 'any' });
  delete made.$schema;
  return made;
}
