import type { MediaLeg } from '../media/media-leg';
import { MediaUnavailable, OfferRefused } from '../media/media-leg';
import { withDeadline } from '../runtime/clock';
import { messageOf } from '../runtime/errors';
import type { Call } from './call';
import type { SessionReady } from './conversation-host';
import { Conversation } from './conversation';
import type { HandoffRules } from './handoffs';
import { ModelUnavailable } from './model-unavailable';
import { CallerLine } from './caller-line';
import { comeUp, type PreparedMedia } from './come-up';
import { ringThrough, supervisionsOf, transfersOf } from './ring-through';
import type { GuaranteeRules } from '../dialplan/conversation-rules';
import type { RouteDecision } from '../dialplan/route';
import type { CallFacts } from '../tools/tool-run';

type AnswerDecision = Extract<RouteDecision, { kind: 'answer' }>;

const noGuarantees: GuaranteeRules = { firstSoundMs: undefined, silenceMs: undefined };

/**
 * INVITE -> active call: route, a place among the calls, ring, media, model ready, 200, media starts, greeting, ACK. The model comes before the
 * 200, so that the first word comes at once and a caller is never answered by nobody.
 *
 * Never rejects: every failure becomes `call.end(reason)`; after each wait the call may be over, and then nothing more is done.
 */
export async function answerCall(call: Call): Promise<void> {
  try {
    await answer(call);
  } catch (cause) {
    call.fail(cause);
  }
}

async function answer(call: Call): Promise<void> {
  const decision = call.services.route(call.leg.info);
  call.adoptDecision(decision);
  if (decision.kind === 'no-route') {
    call.end({ kind: 'no-route' });
    return;
  }
  if (decision.kind === 'reject') {
    call.end({ kind: 'rejected-by-plan', status: decision.status });
    return;
  }
  if (decision.kind === 'redirect') {
    call.end({ kind: 'redirected-by-plan', contact: decision.contact });
    return;
  }
  const { admission } = call.services;
  const refusal = await admission.admit(call.snapshot(), { routeCallsMax: decision.callsLimit });
  if (refusal !== undefined) call.end(refusal);
  if (call.isEnding()) return;

  call.leg.ring();
  const media = await prepareMedia(call);
  if (media === undefined || call.isEnding()) return;
  const { destinations: reachable, lengthLimitMs } = decision;
  if (decision.kind === 'bridge') {
    await ringThrough(call, media, { destination: decision.destination, reachable, lengthLimitMs });
    return;
  }
  const conversation = new Conversation({
    clock: call.services.clock,
    random: call.services.random,
    logger: call.logger,
    agent: decision.agent,
    handoffs: handoffRules(call, decision),
    tools: call.services.tools,
    facts: factsOf(call, decision),
    legRateHz: media.leg.rateHz,
    prompts: call.services.prompts,
    guarantees: decision.guarantees ?? noGuarantees,
    host: {
      emit: (event) => call.emit(event),
      addResponse: (done, by) => call.addResponse(done, by),
      remember: (note) => call.remember(note),
      sendDigits: (keys) => call.sendDigits(keys),
      addTranscription: (usage, by) => call.addTranscription(usage, by),
      agentChanged: (agent, session) => call.agentChanged(agent, session),
      end: (reason) => call.end(reason),
      transfer: (destination, requester) => call.transfer(destination, requester),
      cancelTransfer: () => call.cancelTransfer(),
    },
    openSession: (agent, listener) => call.services.openSession(agent, listener, call.callId),
  });
  call.adoptConversation(conversation);
  const line = new CallerLine({
    source: conversation.source,
    agent: conversation,
    onAudio: (frame) => conversation.onCallerAudio(frame),
  });
  call.adoptTransfers(transfersOf(call, media.leg, line, reachable));
  call.adoptSupervisions(supervisionsOf(call, media.leg, line));
  const ready = await waitForModel(call, conversation);
  if (call.isEnding()) return;
  if (ready instanceof Error) {
    const { unavailable } = decision;
    if ('reject' in unavailable) {
      call.end({ kind: 'model-unavailable', message: ready.message, status: unavailable.reject });
      return;
    }
    conversation.close();
    await ringThrough(call, media, { destination: unavailable.bridge, reachable, lengthLimitMs });
    return;
  }
  const isUp = await comeUp(call, media, line, () => conversation.greet());
  // It may have ended in the meantime.
  if (isUp && !call.isEnding()) call.active({ sessionExpiresAtMs: ready.expiresAtMs, lengthLimitMs });
}

async function prepareMedia(call: Call): Promise<PreparedMedia | undefined> {
  let leg: MediaLeg;
  try {
    leg = await call.services.media.create({ callId: call.callId, signallingAddress: call.leg.info.sourceAddress });
  } catch (cause) {
    call.end({ kind: 'no-media-port', message: messageOf(cause) });
    return undefined;
  }
  call.adoptMedia(leg);
  // The caller may have left while the leg was made.
  if (call.isEnding()) return undefined;
  try {
    return { leg, sdp: await (call.leg.offer === undefined ? leg.offer() : leg.answer(call.leg.offer)) };
  } catch (cause) {
    if (cause instanceof OfferRefused) call.end({ kind: 'bad-offer', status: cause.status, message: cause.message });
    else if (cause instanceof MediaUnavailable) call.end({ kind: 'no-media-port', message: cause.message });
    else throw cause;
    return undefined;
  }
}

/** Resolves with the reason when there is no model. */
async function waitForModel(call: Call, conversation: Conversation): Promise<SessionReady | Error> {
  const { clock, modelDeadlineMs } = call.services;
  const startedMs = clock.now();
  try {
    const ready = await withDeadline(
      clock,
      modelDeadlineMs,
      conversation.ready,
      () => new Error(`the model was not ready within ${modelDeadlineMs} ms`),
    );
    call.modelReady({ connectMs: clock.now() - startedMs, sessionId: ready.sessionId });
    return ready;
  } catch (cause) {
    const message = messageOf(cause);
    if (!call.isEnding()) {
      const refused = cause instanceof ModelUnavailable && cause.ended.kind === 'refused';
      call.logger.warn({ error: message, refused }, 'no model for this call');
    }
    return new Error(message, { cause });
  }
}

/** To whom the call may be handed over. */
function handoffRules(call: Call, { colleagues }: AnswerDecision): HandoffRules | undefined {
  if (colleagues === undefined) return undefined;
  const { services } = call;
  return {
    colleagues,
    deadlineMs: services.modelDeadlineMs,
    isSameModel: (one, other) => services.modelFor(one).name === services.modelFor(other).name,
  };
}

/** What a tool may know of the call. */
function factsOf(call: Call, { route, agent }: AnswerDecision): CallFacts {
  const { sipCallId, from, fromName, to } = call.leg.info;
  const caller = { callerNumber: from, callerName: fromName, calledNumber: to };
  return { callId: call.callId, sipCallId, ...caller, route, agent: agent.name };
}
