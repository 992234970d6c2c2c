import { createHash, randomUUID } from 'node:crypto';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { WebhookDelivery, WebhookVerdict } from '../connectors/connector.ts';
import { Fault } from '../model/fault.ts';
import { TidewayError } from '../runtime/errors.ts';
import type { Described } from './described.ts';
import type { DoorOptions } from './door-options.ts';
import { Inbox } from './inbox.ts';
import { Problem } from './problem.ts';
import { Rejections } from './rejections.ts';
import { sharedSecretBody, shownSecret, verifySharedSecret, type SharedSecretVerdict } from './verify-shared-secret.ts';
import { WebhookTargets, type WebhookTarget } from './webhook-targets.ts';

const SETTLE_EVERY = 1_000;
const TOKEN = /^[0-9a-f]{64}$/;
/** Longer ids are kept by their digest. */
const LONGEST_ID = 200;
const STATUS = { SIGNATURE_INVALID: 401, TIMESTAMP_SKEW: 401, BAD_RESPONSE: 400 } as const;
const MEND = {
  SIGNATURE_INVALID:
    'Give the app the webhook secret of this connection, or set it with tideway.set_webhook_secret(...).',
  TIMESTAMP_SKEW: 'Send it again with the present time; set the clock of the sender.',
  BAD_RESPONSE: 'Send what docs/http.md describes.',
} as const;

export const webhookRoute: Described = {
  method: 'POST',
  path: '/webhooks/:token',
  group: 'Webhooks',
  summary: 'An app, or a script, says what changed; the records are read from the app soon.',
  needs: 'proof',
  params: z.object({ token: z.string().regex(TOKEN).describe('As tideway.webhook_url(connection) tells.') }),
  body: sharedSecretBody,
  answer: z.object({ accepted: z.boolean(), duplicate: z.literal(true).optional() }),
  also: { 200: 'Stored before.' },
  example: { params: { token: '0'.repeat(64) }, body: { recordId: 'rec1' }, status: 202 },
};

type Options = Pick<DoorOptions, 'database' | 'clock' | 'log' | 'metrics' | 'openTarget'>;

/** Deliveries of apps: proved, stored, answered; the data itself is read from the app by the connection's owner. */
export async function webhooks(app: FastifyInstance, options: Options): Promise<{ close: () => Promise<void> }> {
  const { database, clock, log, metrics, openTarget } = options;
  const targets = new WebhookTargets(openTarget, clock);
  const inbox = new Inbox(database, log);
  const rejections = new Rejections(database, clock);

  await app.register(async (scope) => {
    // Signatures cover the bytes as they came, whatever their type.
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
    scope.addHook('onError', async (_request, _reply, error) => {
      if (!(error instanceof Problem)) {
        metrics.webhooks.inc({ outcome: error.statusCode === 413 ? 'PAYLOAD_TOO_LARGE' : 'FAILED' });
      }
    });
    scope.post<{ Params: { token: string } }>('/webhooks/:token', async (request, reply) => {
      const began = clock.now();
      const { token } = request.params;
      const target = TOKEN.test(token) ? await targets.get(token).catch(unready) : undefined;
      if (target === undefined) {
        metrics.webhooks.inc({ outcome: 'UNKNOWN_ADDRESS' });
        throw new Problem(404, 'NOT_FOUND', 'No connection has this webhook address.', {
          mend: "Ask for it: select tideway.webhook_url('<connection>');",
        });
      }
      const delivery = deliveryOf(request);
      let verdict = prove(target, delivery, clock.time);
      if (!verdict.genuine && verdict.code === 'SIGNATURE_INVALID') {
        const renewed = await targets.anew(token).catch(unready);
        if (renewed !== undefined && renewed !== target) verdict = prove(renewed, delivery, clock.time);
      }
      if (!verdict.genuine) {
        metrics.webhooks.inc({ outcome: verdict.code });
        void rejections.add(target.number, verdict.code, verdict.reason);
        throw new Problem(STATUS[verdict.code], verdict.code, verdict.reason, { mend: MEND[verdict.code] });
      }
      const fresh = await inbox.store({
        connection: target.number,
        id: shortId(verdict.deliveryId ?? randomUUID()),
        changed: verdict.changed,
        ...('attempt' in verdict && verdict.attempt !== undefined ? { attempt: verdict.attempt } : {}),
        ms: Math.round(clock.now() - began),
      });
      metrics.webhooks.inc({ outcome: fresh ? 'stored' : 'duplicate' });
      return reply.status(fresh ? 202 : 200).send({ accepted: fresh, ...(fresh ? {} : { duplicate: true }) });
    });
  });

  const timer = setInterval(() => {
    inbox.settle();
    void rejections.flush();
  }, SETTLE_EVERY);
  return {
    close: async () => {
      clearInterval(timer);
      await inbox.close();
      await rejections.flush(true);
    },
  };
}

/** What only the operator can mend is told to the operator: the app has to try again. */
function unready(error: unknown): never {
  if (!(error instanceof TidewayError || error instanceof Fault)) throw error;
  throw new Problem(503, 'SETTINGS_INVALID', 'The connection is not ready: its settings or secrets cannot be used.', {
    mend: 'Run: tideway doctor',
    retryAfter: 60,
    cause: error,
  });
}

function prove(
  target: WebhookTarget,
  delivery: WebhookDelivery,
  now: () => number,
): WebhookVerdict | SharedSecretVerdict {
  const { connector, settings, secrets } = target;
  const context = { settings, secrets, now };
  const shown = shownSecret(delivery);
  const verdict = connector.verifyWebhook?.(context, delivery);
  if (verdict?.genuine || (verdict !== undefined && shown === undefined)) return verdict;
  return verifySharedSecret(context, delivery);
}

function deliveryOf({ headers, body }: FastifyRequest): WebhookDelivery {
  return {
    headers: Object.fromEntries(
      Object.entries(headers).flatMap(([name, value]) =>
        value === undefined ? [] : [[name, Array.isArray(value) ? value.join(', ') : value]],
      ),
    ),
    body: Buffer.isBuffer(body) ? body : new Uint8Array(),
  };
}

function shortId(id: string): string {
  return id.length <= LONGEST_ID && !id.includes('\0') ? id : createHash('sha256').update(id).digest('hex');
}
