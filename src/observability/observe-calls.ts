import type { CallEvent, CallObserver, CallSnapshot } from '../call/call-observer';
import type { Logger } from '../runtime/logger';
import type { Metrics } from './metrics';

/** Turns what happens in calls into figures and log lines, one line for each event. */
export class ObserveCalls implements CallObserver {
  readonly #metrics: Metrics;
  readonly #logger: Logger;
  readonly #loggers = new Map<string, Logger>();

  constructor({ metrics, logger }: { metrics: Metrics; logger: Logger }) {
    this.#metrics = metrics;
    this.#logger = logger;
  }

  onCallEvent(event: CallEvent, call: CallSnapshot): void {
    const logger = this.#loggers.get(call.callId) ?? this.#begin(call);
    this.#count(event, call);
    logEvent(logger, event, call);
    if (event.kind === 'ended') this.#loggers.delete(call.callId);
  }

  #begin(call: CallSnapshot): Logger {
    const logger = this.#logger.child({ callId: call.callId, sipCallId: call.sipCallId });
    this.#loggers.set(call.callId, logger);
    this.#metrics.callStarted();
    return logger;
  }

  #count(event: CallEvent, call: CallSnapshot): void {
    switch (event.kind) {
      case 'model-ready':
        this.#metrics.modelReady(event);
        return;
      case 'barge-in':
        this.#metrics.callInterrupted();
        return;
      case 'speech-gap':
        this.#metrics.speechBroken();
        return;
      case 'function-call':
        this.#metrics.functionCalled(event);
        return;
      case 'model-error':
        this.#metrics.modelErred();
        return;
      case 'guarantee-broken':
        this.#metrics.guaranteeBroken(event);
        return;
      case 'idle-timeout':
        this.#metrics.callerIdle(event);
        return;
      case 'transfer':
        // Two who talk are told of twice: when they were joined, and when they had finished.
        if (event.outcome !== 'joined' || event.endedAtMs === undefined) this.#metrics.transferTold(event);
        return;
      case 'handoff':
        this.#metrics.handoffTold(event);
        return;
      case 'supervision':
        this.#metrics.supervisions.told(event);
        return;
      case 'murmur':
        this.#metrics.callerMurmured();
        return;
      case 'endless-speech':
        this.#metrics.callerSpokeEndlessly();
        return;
      case 'ended':
        this.#metrics.callEnded(call, event);
        return;
      case 'signalling-lost':
      case 'state':
      case 'agent-audio-started':
      case 'caller-speech-started':
      case 'caller-speech-stopped':
      case 'push-to-talk':
      case 'tool-started':
      case 'transcript':
      case 'digit':
        return;
    }
  }
}

function logEvent(logger: Logger, event: CallEvent, call: CallSnapshot): void {
  const { kind: _, ...facts } = event;
  switch (event.kind) {
    case 'state':
      logState(logger, event, call);
      return;
    case 'model-ready':
      logger.info({ ...facts, model: call.model, modelKind: call.modelKind }, 'model is ready');
      return;
    case 'barge-in':
      logger.info(facts, 'caller interrupted agent');
      return;
    case 'speech-gap':
      logger.debug(facts, 'the model was late in the middle of a word');
      return;
    case 'function-call':
      // The outcome of a tool is the operator's to see; its name is of our own list.
      logger.info(
        {
          functionName: event.name,
          functionCallId: event.callId,
          outcome: event.outcome,
          failure: event.failure,
          durationMs: event.durationMs,
        },
        'agent called a function',
      );
      return;
    case 'tool-started':
      logger.debug({ functionName: event.name, functionCallId: event.callId }, 'a tool began to run');
      return;
    case 'model-error':
      logger.warn(facts, 'model reported an error');
      return;
    case 'guarantee-broken':
      logger.warn(facts, 'a guarantee of the route was not kept');
      return;
    case 'transfer':
      logger.info(facts, 'transfer');
      return;
    case 'handoff':
      logger.info(facts, 'an agent handed the call over');
      return;
    case 'supervision':
      logger.info(facts, 'supervision');
      return;
    case 'idle-timeout':
      logger.info(facts, 'nobody spoke for the idle time');
      return;
    case 'endless-speech':
      logger.warn({}, 'speech of the caller does not end; it is taken for noise');
      return;
    case 'signalling-lost':
      logger.warn({}, 'the SIP server was lost; the call talks on');
      return;
    case 'ended':
      logEnd(logger, event, call);
      return;
    case 'agent-audio-started':
    case 'caller-speech-started':
    case 'caller-speech-stopped':
    case 'murmur':
    case 'push-to-talk':
    case 'transcript':
    case 'digit':
      logger.debug(facts, eventSentences[event.kind]);
      return;
  }
}

const eventSentences = {
  'agent-audio-started': 'agent began to speak',
  'caller-speech-started': 'caller began to speak',
  'caller-speech-stopped': 'caller stopped speaking',
  murmur: 'caller murmured, and the agent went on',
  'push-to-talk': 'caller pressed the key to talk',
  transcript: 'transcript',
  digit: 'caller pressed a key',
} as const;

function logState(logger: Logger, event: Extract<CallEvent, { kind: 'state' }>, call: CallSnapshot): void {
  const facts = { fromState: event.from, toState: event.to };
  if (event.to !== 'answering') {
    logger.debug(facts, 'call moved on');
    return;
  }
  const { to, from, trunk, route, agent, planHash, model, modelKind } = call;
  logger.info({ ...facts, to, from, trunk, route, agent, planHash, model, modelKind }, 'call is being answered');
}

function logEnd(logger: Logger, event: Extract<CallEvent, { kind: 'ended' }>, call: CallSnapshot): void {
  const { kind: reason, ...detail } = event.reason;
  const { to, from, route, agent, model, modelKind, interruptions, speechGaps, answeredAtMs, endedAtMs } = call;
  const talkMs = answeredAtMs === undefined ? 0 : Math.max(0, (endedAtMs ?? answeredAtMs) - answeredAtMs);
  const costUsd = call.cost?.usd;
  const facts = {
    reason,
    blame: event.blame,
    detail,
    costUsd,
    to,
    from,
    route,
    agent,
    model,
    modelKind,
    interruptions,
    speechGapMs: speechGaps.totalMs,
    talkMs,
  };
  if (event.blame === 'us') logger.error(facts, 'call ended');
  else if (event.blame === 'upstream') logger.warn(facts, 'call ended');
  else logger.info(facts, 'call ended');
}
