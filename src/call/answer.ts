import type { MediaLeg, MediaLegListener } from '../media/media-leg';
import { MediaUnavailable, OfferRefused } from '../media/media-leg';
import { withDeadline } from '../runtime/clock';
import { messageOf } from '../runtime/errors';
import { LegGone } from '../signalling/caller-leg';
import type { Call } from './call';
import type { SessionReady } from './conversation';
import { Conversation, ModelUnavailable } from './conversation';
import type { EndReason } from './end-reason';
import type { GuaranteeRules } from '../dialplan/conversation-rules';
import type { RouteDecision } from '../dialplan/route';
import type { CallFacts } from '../tools/tool-run';

const noGuarantees: GuaranteeRules = { firstSoundMs: undefined, silenceMs: undefined };

type AnswerDecision = Extract<RouteDecision, { kind: 'answer' }>;

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
  const conversation = new Conversation({
    clock: call.services.clock,
    random: call.services.random,
    logger: call.logger,
    agent: decision.agent,
    tools: call.services.tools,
    facts: factsOf(call, decision),
    legRateHz: media.leg.rateHz,
    prompts: call.services.prompts,
    guarantees: decision.guarantees ?? noGuarantees,
    host: {
      emit: (event) => call.emit(event),
      addResponse: (done) => call.addResponse(done),
      remember: (note) => call.remember(note),
      sendDigits: (keys) => call.sendDigits(keys),
      addTranscription: (usage) => call.addTranscription(usage),
      end: (reason) => call.end(reason),
    },
    openSession: (listener) => call.services.openSession(decision.agent, listener, call.callId),
  });
  call.adoptConversation(conversation);
  const ready = await waitForModel(call, conversation, decision);
  if (ready === undefined || call.isEnding()) return;

  call.answering();
  if (call.isEnding()) return;
  // Listened to from here on: were it to reject while what follows fails, nobody else would hear it.
  const acknowledged = untilAcknowledged(call, call.leg.answer(media.sdp));
  call.answered();
  // With the offer in the INVITE all is known: the phone that sees the 200 hears us.
  if (call.leg.offer !== undefined) begin(call, media.leg, conversation);
  const lateAnswer = await acknowledged;
  if (call.isEnding()) return;
  if (call.leg.offer === undefined) {
    if (!(await acceptLateAnswer(call, media.leg, lateAnswer))) return;
    begin(call, media.leg, conversation);
    if (call.isEnding()) return;
  }
  call.active({ sessionExpiresAtMs: ready.expiresAtMs, lengthLimitMs: decision.lengthLimitMs });
}

async function prepareMedia(call: Call): Promise<{ leg: MediaLeg; sdp: string } | undefined> {
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

async function waitForModel(
  call: Call,
  conversation: Conversation,
  decision: AnswerDecision,
): Promise<SessionReady | undefined> {
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
    const reason: EndReason = { kind: 'model-unavailable', message, status: decision.unavailable.reject };
    call.end(reason);
    return undefined;
  }
}

function begin(call: Call, leg: MediaLeg, conversation: Conversation): void {
  if (call.isEnding()) return;
  const listener: MediaLegListener = {
    onAudio: (frame) => conversation.onCallerAudio(frame),
    onDigit: (digit) => call.onMediaDigit(digit),
    onFailure: (failure) => call.end({ kind: 'media-failed', failure }),
  };
  leg.start(listener, conversation.source);
  conversation.greet();
}

/** The SDP in the ACK. Never rejects. */
async function untilAcknowledged(call: Call, acknowledged: Promise<string | undefined>): Promise<string | undefined> {
  try {
    return await acknowledged;
  } catch (cause) {
    // How the caller left was told before, by `onHangUp`.
    if (cause instanceof LegGone) call.end({ kind: 'caller-hung-up', how: { kind: 'lost', reason: cause.message } });
    else call.fail(cause);
    return undefined;
  }
}

/** A late offer (RFC 3261 section 13.2.1) is answered in the ACK; without an answer there is no media to talk over. */
async function acceptLateAnswer(call: Call, leg: MediaLeg, answer: string | undefined): Promise<boolean> {
  try {
    if (answer === undefined || answer === '') throw new OfferRefused(488, 'the ACK carried no SDP answer');
    await leg.acceptAnswer(answer);
    return !call.isEnding();
  } catch (cause) {
    if (!(cause instanceof OfferRefused)) throw cause;
    call.end({ kind: 'bad-offer', status: cause.status, message: cause.message });
    return false;
  }
}

/** What a tool may know of the call. */
function factsOf(call: Call, { route, agent }: AnswerDecision): CallFacts {
  const { sipCallId, from, fromName, to } = call.leg.info;
  const caller = { callerNumber: from, callerName: fromName, calledNumber: to };
  return { callId: call.callId, sipCallId, ...caller, route, agent: agent.name };
}
