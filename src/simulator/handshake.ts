import type { IncomingHttpHeaders } from 'node:http';

import type { Behaviour } from './behaviour';
import { simulatorModelPrefix, type ParsedBehaviour } from './behaviours';

/** What an upgrade asks for. */
export interface UpgradeRequest {
  /** Path with query, as in the request line. */
  url: string;
  headers: IncomingHttpHeaders;
}

/** In-band: the upgrade succeeds with 101, then come one `error` event and a close frame with `type.code` as reason. */
export interface Refusal {
  code: string;
  message: string;
  /** For the log only: a reason may quote a file. */
  detail?: string;
  closeCode: 3000 | 4000 | 4004;
}

export type Accepted =
  { kind: 'conversation'; model: string; behaviour: Behaviour } | { kind: 'transcription'; behaviour: Behaviour };

export interface Refused {
  kind: 'refused';
  refusal: Refusal;
}

export type Handshake =
  | Accepted
  | Refused
  /** No WebSocket comes of it. */
  | { kind: 'http-error'; status: 404; code: string };

export interface HandshakeRules {
  /** For every model that does not name its own. */
  behaviour: Behaviour;
  /** Undefined: the client sent no key. */
  acceptKey(key: string | undefined): boolean;
  /** For a model that names its own: what follows `simulator:`. */
  behaviourOf(name: string): ParsedBehaviour;
}

export const realtimePath = '/v1/realtime';

/** Decides what becomes of an upgrade, in the order in which the live service finds fault with it. */
export function judgeUpgrade(request: UpgradeRequest, rules: HandshakeRules): Handshake {
  const url = URL.canParse(request.url, 'http://simulator') ? new URL(request.url, 'http://simulator') : undefined;
  if (url?.pathname !== realtimePath) return { kind: 'http-error', status: 404, code: 'not_found' };
  if (url.searchParams.has('call_id')) return { kind: 'http-error', status: 404, code: 'call_id_not_found' };
  const protocols = offeredProtocols(request.headers);
  if (!rules.acceptKey(keyOf(request.headers, protocols)))
    return refused(3000, 'invalid_api_key', 'Incorrect API key.');
  if (request.headers['openai-beta'] !== undefined || protocols.includes('openai-beta.realtime-v1')) {
    return refused(4000, 'beta_api_shape_disabled', 'The beta shape of the Realtime API is no longer supported.');
  }
  const intent = url.searchParams.get('intent');
  if (intent === 'transcription') return { kind: 'transcription', behaviour: rules.behaviour };
  if (intent !== null) return refused(4000, 'invalid_intent', 'The only intent is transcription.');
  const model = url.searchParams.get('model') ?? '';
  if (model === '') return refused(4000, 'missing_model', 'You must provide a model parameter.');
  return judgeModel(model, rules);
}

/** Selects `realtime` among the offered subprotocols, as the live service does; false for none. */
export function selectProtocol(offered: Set<string>): string | false {
  return offered.has('realtime') ? 'realtime' : false;
}

/** Shut down in May 2026. */
const retiredModel = /^gpt-4o(-mini)?-realtime-preview/;
const realtimeModel = /^(gpt-realtime|gpt-audio)(-|$)/;
/** Exists, but does not speak Realtime. */
const otherModel = /^(gpt-|o[0-9]|whisper-|tts-|text-|dall-e)/;

function judgeModel(model: string, rules: HandshakeRules): Handshake {
  if (model === 'simulator' || realtimeModel.test(model)) {
    return { kind: 'conversation', model, behaviour: rules.behaviour };
  }
  if (model.startsWith(simulatorModelPrefix)) {
    const parsed = rules.behaviourOf(model.slice(simulatorModelPrefix.length));
    if (parsed.kind === 'behaviour') return { kind: 'conversation', model, behaviour: parsed.behaviour };
    return notFound(model, parsed.reason);
  }
  if (retiredModel.test(model) || !otherModel.test(model)) {
    return notFound(model);
  }
  return refused(4000, 'invalid_model', `Model '${model.slice(0, 100)}' is not supported in realtime mode.`);
}

const keyProtocolPrefix = 'openai-insecure-api-key.';

function keyOf(headers: IncomingHttpHeaders, protocols: readonly string[]): string | undefined {
  const bearer = /^Bearer\s+(\S+)$/i.exec(headers.authorization ?? '')?.[1];
  if (bearer !== undefined) return bearer;
  return protocols.find((name) => name.startsWith(keyProtocolPrefix))?.slice(keyProtocolPrefix.length);
}

function offeredProtocols(headers: IncomingHttpHeaders): string[] {
  return (headers['sec-websocket-protocol'] ?? '').split(',').map((name) => name.trim());
}

function notFound(model: string, detail?: string): Refused {
  const message = `The model '${model.slice(0, 100)}' does not exist or you do not have access to it.`;
  const { refusal } = refused(4004, 'model_not_found', message);
  return { kind: 'refused', refusal: detail === undefined ? refusal : { ...refusal, detail } };
}

function refused(closeCode: Refusal['closeCode'], code: string, message: string): Refused {
  return { kind: 'refused', refusal: { code, message, closeCode } };
}
