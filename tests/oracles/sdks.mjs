// The providers' own packages for Node, asked over standard input: one JSON object to a line.
//
// {"scheme", "package", "call": "accepts" or "signs", "method", "url", "target", "headers",
//  "body" (base64), "secret", "key" (public key in base64), "now" (milliseconds)}
// is answered {"accepts": boolean}, {"headers": {…}} or {"error": text}.
// Every package is loaded when it is first asked for.

import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';
import { createHash, createSecretKey } from 'node:crypto';

const require = createRequire(import.meta.url);
const text = (ask) => ask.body.toString('utf8');
const header = (ask, name) => ask.headers[name.toLowerCase()];
const seconds = (ask) => Math.floor(ask.now / 1000);
const MESSAGE_ID = 'msg_2Lh9';

// Verifiers that say no by throwing.
const taken = async (call) => { await call(); return true; };

const standard = (prefix, load) => ({
  accepts: (ask) => taken(async () => new (await load())(ask.secret).verify(text(ask), ask.headers)),
  signs: async (ask) => ({
    [`${prefix}-id`]: MESSAGE_ID,
    [`${prefix}-timestamp`]: String(seconds(ask)),
    [`${prefix}-signature`]: new (await load())(ask.secret).sign(MESSAGE_ID, new Date(ask.now), text(ask)),
  }),
});

const octokit = (name) => ({
  accepts: async (ask) => (await import('@octokit/webhooks-methods')).verify(ask.secret, text(ask), header(ask, name)),
  signs: async (ask) => ({ [name]: await (await import('@octokit/webhooks-methods')).sign(ask.secret, text(ask)) }),
});

const hubspot = (version, name) => {
  const options = (ask) => ({
    method: 'POST', signatureVersion: version, clientSecret: ask.secret, requestBody: text(ask), url: ask.url,
  });
  return {
    accepts: (ask) => {
      const { Signature } = require('@hubspot/api-client');
      const timestamp = Number(header(ask, 'X-HubSpot-Request-Timestamp'));
      return Signature.isValid({ ...options(ask), signature: header(ask, name), timestamp });
    },
    signs: (ask) => {
      const { Signature } = require('@hubspot/api-client');
      const timestamp = ask.now;
      const value = Signature.getSignature('POST', version, { ...options(ask), timestamp });
      return { [name]: value, 'X-HubSpot-Request-Timestamp': String(timestamp) };
    },
  };
};

const stripe = () => new (require('stripe'))('sk_fake').webhooks;
const workos = () => new (require('@workos-inc/node').WorkOS)('sk_fake').webhooks;

const SDKS = {
  'stripe stripe': {
    accepts: (ask) => stripe().signature.verifyHeader(ask.body, header(ask, 'Stripe-Signature'), ask.secret, 300),
    signs: (ask) => ({
      'Stripe-Signature': stripe().generateTestHeaderString({ payload: text(ask), secret: ask.secret, timestamp: seconds(ask) }),
    }),
  },
  'svix svix': standard('svix', async () => require('svix').Webhook),
  'standard-webhooks standardwebhooks': standard('webhook', async () => require('standardwebhooks').Webhook),
  'github @octokit/webhooks-methods': octokit('X-Hub-Signature-256'),
  'shopify @shopify/shopify-api': {
    accepts: async (ask) => {
      require('@shopify/shopify-api/adapters/node');
      const { shopifyApi } = require('@shopify/shopify-api');
      const shop = shopifyApi({
        apiKey: 'fake', apiSecretKey: ask.secret, hostName: 'example.test', apiVersion: '2026-07', isEmbeddedApp: false,
        logger: { log: () => {} },
      });
      const rawRequest = { method: 'POST', url: ask.target, headers: ask.headers };
      const found = await shop.webhooks.validate({ rawBody: text(ask), rawRequest });
      return found.valid || (found.reason === 'missing_headers' && !found.missingHeaders.includes('X-Shopify-Hmac-Sha256'));
    },
  },
  'sanity @sanity/webhook': {
    accepts: (ask) => require('@sanity/webhook').isValidSignature(text(ask), header(ask, 'sanity-webhook-signature'), ask.secret),
    signs: async (ask) => ({
      'sanity-webhook-signature': await require('@sanity/webhook').encodeSignatureHeader(text(ask), ask.now, ask.secret),
    }),
  },
  'linear @linear/sdk': {
    accepts: async (ask) => {
      const { LinearWebhookClient } = await import('@linear/sdk/webhooks');
      const stamp = JSON.parse(text(ask)).webhookTimestamp;
      return new LinearWebhookClient(ask.secret).verify(ask.body, header(ask, 'Linear-Signature'), stamp);
    },
  },
  'workos @workos-inc/node': {
    // It takes the parsed payload and writes it again: only what JSON.stringify wrote can be right.
    accepts: (ask) => taken(async () => {
      await workos().verifyHeader({ payload: JSON.parse(text(ask)), sigHeader: header(ask, 'WorkOS-Signature'), secret: ask.secret });
    }),
    signs: async (ask) => {
      const value = await workos().computeSignature(ask.now, JSON.parse(text(ask)), ask.secret);
      return { 'WorkOS-Signature': `t=${ask.now}, v1=${value}` };
    },
  },
  'mux @mux/mux-node': {
    accepts: (ask) => taken(async () => {
      const { Mux } = require('@mux/mux-node');
      await new Mux({ tokenId: 'fake', tokenSecret: 'fake' }).webhooks.verifySignature(text(ask), ask.headers, ask.secret);
    }),
  },
  'contentful @contentful/node-apps-toolkit': {
    accepts: (ask) => require('@contentful/node-apps-toolkit').verifyRequest(
      ask.secret, { method: ask.method, path: ask.target, headers: ask.headers, body: text(ask) }, 30),
    signs: (ask) => require('@contentful/node-apps-toolkit').signRequest(
      ask.secret, { method: ask.method, path: ask.target, headers: ask.headers, body: text(ask) }, ask.now),
  },
  'discord discord-interactions': {
    accepts: (ask) => require('discord-interactions').verifyKey(
      ask.body, header(ask, 'X-Signature-Ed25519'), header(ask, 'X-Signature-Timestamp'),
      Buffer.from(ask.key, 'base64').toString('hex')),
  },
  'line @line/bot-sdk': {
    accepts: (ask) => require('@line/bot-sdk').validateSignature(ask.body, ask.secret, header(ask, 'X-Line-Signature')),
  },
  'paddle @paddle/paddle-node-sdk': {
    accepts: (ask) => {
      const { Paddle } = require('@paddle/paddle-node-sdk');
      return new Paddle('fake').webhooks.isSignatureValid(text(ask), ask.secret, header(ask, 'Paddle-Signature'));
    },
  },
  'square square': {
    accepts: (ask) => require('square').WebhooksHelper.verifySignature({
      requestBody: text(ask), signatureHeader: header(ask, 'x-square-hmacsha256-signature'),
      signatureKey: ask.secret, notificationUrl: ask.url,
    }),
  },
  'sendgrid @sendgrid/eventwebhook': {
    accepts: (ask) => {
      const { EventWebhook } = require('@sendgrid/eventwebhook');
      const hook = new EventWebhook();
      const prefix = 'X-Twilio-Email-Event-Webhook-';
      return hook.verifySignature(
        hook.convertPublicKeyToECDSA(ask.key), ask.body, header(ask, `${prefix}Signature`), header(ask, `${prefix}Timestamp`));
    },
  },
  'hubspot @hubspot/api-client': hubspot('v3', 'X-HubSpot-Signature-v3'),
  'hubspot/v1 @hubspot/api-client': hubspot('v1', 'X-HubSpot-Signature'),
  'hubspot/v2 @hubspot/api-client': hubspot('v2', 'X-HubSpot-Signature'),
  'coinbase-commerce coinbase-commerce-node': {
    accepts: (ask) => require('coinbase-commerce-node').Webhook.verifySigHeader(text(ask), header(ask, 'X-CC-Webhook-Signature'), ask.secret),
    signs: (ask) => ({ 'X-CC-Webhook-Signature': require('coinbase-commerce-node').Webhook.computeSignature(text(ask), ask.secret) }),
  },
  'adyen @adyen/api-library': {
    accepts: (ask) => {
      const { hmacValidator } = require('@adyen/api-library');
      const item = JSON.parse(text(ask)).notificationItems[0].NotificationRequestItem;
      return new hmacValidator().validateHMAC(item, ask.secret);
    },
  },
  'adyen/header @adyen/api-library': {
    accepts: (ask) => {
      const { hmacValidator } = require('@adyen/api-library');
      return new hmacValidator().validateHMACSignature(ask.secret, header(ask, 'HmacSignature'), text(ask));
    },
    signs: (ask) => {
      const { hmacValidator } = require('@adyen/api-library');
      return { HmacSignature: new hmacValidator().calculateHmac(text(ask), ask.secret) };
    },
  },
  'razorpay razorpay': {
    accepts: (ask) => require('razorpay').validateWebhookSignature(text(ask), header(ask, 'X-Razorpay-Signature'), ask.secret),
  },
  'pusher pusher': {
    accepts: (ask) => {
      const Pusher = require('pusher');
      const pusher = new Pusher({ appId: '1', key: 'fake', secret: ask.secret, cluster: 'eu' });
      return pusher.webhook({ headers: { ...ask.headers, 'x-pusher-key': 'fake' }, rawBody: text(ask) }).isValid();
    },
  },
  'getstream stream-chat': {
    accepts: (ask) => {
      const { StreamChat } = require('stream-chat');
      return new StreamChat('fake', ask.secret).verifyWebhook(ask.body, header(ask, 'X-Signature'));
    },
  },
  'gocardless gocardless-nodejs': {
    accepts: (ask) => taken(async () => {
      const { verifySignature } = await import('gocardless-nodejs/webhooks');
      verifySignature(ask.body, ask.secret, header(ask, 'Webhook-Signature'));
    }),
  },
  'slack @slack/bolt': {
    accepts: (ask) => require('@slack/bolt').isValidSlackRequest({
      signingSecret: ask.secret,
      body: text(ask),
      headers: {
        'x-slack-request-timestamp': Number(header(ask, 'X-Slack-Request-Timestamp')),
        'x-slack-signature': header(ask, 'X-Slack-Signature'),
      },
    }),
  },
  'polar @polar-sh/sdk': {
    accepts: async (ask) => {
      const { validateEvent, WebhookVerificationError } = await import('@polar-sh/sdk/webhooks');
      try {
        validateEvent(text(ask), ask.headers, ask.secret);
      } catch (error) {
        // What follows the signature's check is the payload's, which is not asked here.
        if (error instanceof WebhookVerificationError) return false;
      }
      return true;
    },
  },
  'qstash @upstash/qstash': {
    accepts: (ask) => {
      const { Receiver } = require('@upstash/qstash');
      const receiver = new Receiver({ currentSigningKey: ask.secret, nextSigningKey: ask.secret });
      return receiver.verify({ signature: header(ask, 'Upstash-Signature'), body: text(ask), url: ask.url });
    },
  },
  'livekit livekit-server-sdk': {
    accepts: (ask) => taken(async () => {
      const { WebhookReceiver } = await import('livekit-server-sdk');
      await new WebhookReceiver(ask.settings.api_key, ask.secret).receive(text(ask), header(ask, 'Authorization'));
    }),
    signs: async (ask) => {
      const { AccessToken } = await import('livekit-server-sdk');
      const token = new AccessToken(ask.settings.api_key, ask.secret, { ttl: 300 });
      token.sha256 = createHash('sha256').update(ask.body).digest('base64');
      return { Authorization: await token.toJwt() };
    },
  },
  'clerk @clerk/backend': {
    accepts: (ask) => taken(async () => {
      const { verifyWebhook } = await import('@clerk/backend/webhooks');
      const request = new Request(ask.url, { method: 'POST', headers: ask.headers, body: ask.body });
      await verifyWebhook(request, { signingSecret: ask.secret });
    }),
  },
  'resend resend': {
    accepts: (ask) => taken(async () => {
      const { Resend } = require('resend');
      new Resend('re_fake').webhooks.verify({
        payload: text(ask),
        headers: { id: header(ask, 'svix-id'), timestamp: header(ask, 'svix-timestamp'), signature: header(ask, 'svix-signature') },
        webhookSecret: ask.secret,
      });
    }),
  },
  'vonage @vonage/jwt': {
    accepts: (ask) => require('@vonage/jwt').verifySignature(header(ask, 'Authorization').replace('Bearer ', ''), ask.secret),
  },
  'plivo plivo': {
    accepts: (ask) => require('plivo').validateSignature(
      ask.url, header(ask, 'X-Plivo-Signature-V2-Nonce'), header(ask, 'X-Plivo-Signature-V2'), ask.secret),
  },
  'telnyx telnyx': {
    accepts: (ask) => taken(async () => {
      const Telnyx = require('telnyx').default;
      await new Telnyx({ apiKey: 'fake', publicKey: ask.key }).webhooks.unwrap(text(ask), { headers: ask.headers });
    }),
  },
  'easypost @easypost/api': {
    accepts: (ask) => taken(async () => {
      const EasyPost = require('@easypost/api');
      new EasyPost('fake').Utils.validateWebhook(ask.body, ask.headers, ask.secret);
    }),
  },
  'dropbox-sign @dropbox/sign': {
    accepts: (ask) => {
      const { EventCallbackHelper, EventCallbackRequest } = require('@dropbox/sign');
      const payload = JSON.parse(text(ask));
      return EventCallbackHelper.isValid(ask.secret, EventCallbackRequest.init(payload));
    },
  },
  'messagebird messagebird': {
    accepts: (ask) => taken(() => require('messagebird/lib/webhook-signature-jwt').verify(
      ask.url, ask.body, header(ask, 'MessageBird-Signature-JWT'), createSecretKey(Buffer.from(ask.secret)))),
  },
  'messagebird/legacy messagebird': {
    accepts: (ask) => {
      const query = Object.fromEntries(new URL(ask.url).searchParams);
      return require('messagebird/lib/signature').validate({ headers: ask.headers, query, body: ask.body }, ask.secret);
    },
  },
  'twilio twilio': {
    accepts: (ask) => {
      const { validateRequest, validateRequestWithBody } = require('twilio');
      const signature = header(ask, 'X-Twilio-Signature');
      return ask.form
        ? validateRequest(ask.secret, signature, ask.url, ask.form)
        : validateRequestWithBody(ask.secret, signature, ask.url, text(ask));
    },
    signs: (ask) => ({
      'X-Twilio-Signature': require('twilio/lib/webhooks/webhooks').getExpectedTwilioSignature(ask.secret, ask.url, ask.form ?? {}),
    }),
  },
};

const formOf = (ask) => (header(ask, 'Content-Type') ?? '').startsWith('application/x-www-form-urlencoded')
  ? Object.fromEntries(new URLSearchParams(text(ask)))
  : undefined;

async function answer(line) {
  const ask = JSON.parse(line);
  ask.body = Buffer.from(ask.body, 'base64');
  ask.form = formOf(ask);
  const sdk = SDKS[`${ask.scheme} ${ask.package}`];
  try {
    return ask.call === 'signs' ? { headers: await sdk.signs(ask) } : { accepts: Boolean(await sdk.accepts(ask)) };
  } catch (error) {
    return { error: String(error) };
  }
}

if (process.argv.includes('--list')) {
  const list = Object.entries(SDKS).map(([name, sdk]) => [...name.split(' '), Boolean(sdk.signs)]);
  console.log(JSON.stringify(list));
} else {
  console.log = console.warn = console.info = () => {};
  for await (const line of createInterface({ input: process.stdin })) {
    process.stdout.write(`${JSON.stringify(await answer(line))}\n`);
  }
}
