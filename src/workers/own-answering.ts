import type { CallServices } from '../call/call-services';
import type { Admission } from '../call/call-limits';
import type { CallObserver, CallSnapshot } from '../call/call-observer';
import { Calls } from '../call/calls';
import type { EndReason } from '../call/end-reason';
import { DestinationLimits } from '../call/destination-limits';
import type { SupervisionOrder, SupervisionReply, SupervisionRequest } from '../call/supervision-record';
import { UnpricedModels } from '../call/unpriced-models';
import { modelChoice } from '../config/model-choice';
import type { Settings } from '../config/settings';
import type { Plan } from '../dialplan/plan';
import { route } from '../dialplan/route';
import { FrameClock } from '../media/frame-clock';
import { neverMs } from '../media/freeswitch-leg';
import type { MediaLegFactory } from '../media/media-leg';
import { createRtpLegFactory } from '../media/rtp-leg';
import { ModelRefused, Models } from '../models';
import { readPrices } from '../price-file';
import { readPrompts } from '../prompt-files';
import type { Buckets } from '../observability/buckets-metric';
import type { FreeswitchFigures } from '../observability/freeswitch-metrics';
import type { WayInFigures } from '../observability/metrics';
import { PortPool } from '../rtp/port-pool';
import type { Clock } from '../runtime/clock';
import { messageOf } from '../runtime/errors';
import { invariant } from '../runtime/invariant';
import type { Logger } from '../runtime/logger';
import type { Random } from '../runtime/random';
import type { SipServerAddress } from '../signalling/sip-server-address';
import type { PlaceCall } from '../signalling/callee-leg';
import { LegGone } from '../signalling/caller-leg';
import { placeCall } from '../signalling/outbound-call';
import { SipFront } from '../sip-front';
import { StartRefused } from '../start-refused';
import { createToolbox, prepareTools } from '../tooling';
import type { Toolbox } from '../tools/toolbox';
import { voiceCodecs } from '../voice-codecs';
import type { Answering, ReadPlan } from './answering';
import { FreeswitchMedia } from './freeswitch-media';
import type { PortRange } from './port-slices';

export interface OwnAnsweringOptions {
  settings: Settings;
  clock: Clock;
  random: Random;
  logger: Logger;
  /** What this process may use of RINGBRIDGE_RTP_PORTS. */
  rtpPorts: PortRange;
  admission: Admission;
  /** As many calls are up as may be; never, unless given. */
  full?: () => boolean;
  observers: readonly CallObserver[];
}

/** The model must be ready this soon after the INVITE, or the route's `unavailable` applies. */
const modelDeadlineMs = 3_000;

/** Answers calls in this process: the whole bridge has one, and so has each worker. */
export class OwnAnswering implements Answering {
  readonly workers = [];
  readonly #options: OwnAnsweringOptions;
  readonly #clock: Clock;
  readonly #frameClock: FrameClock;
  readonly #toolbox: Toolbox;
  #plan: Plan | undefined;
  #models: Models | undefined;
  #calls: Calls | undefined;
  #sip: SipFront | undefined;
  #freeswitch: FreeswitchMedia | undefined;
  #closing: Promise<void> | undefined;

  constructor(options: OwnAnsweringOptions) {
    this.#options = options;
    this.#clock = options.clock;
    this.#frameClock = new FrameClock({ clock: options.clock });
    this.#toolbox = createToolbox(options);
  }

  get model(): string {
    return this.#models?.description ?? '';
  }

  get activeCalls(): number {
    return this.#calls?.active ?? 0;
  }

  get connected(): boolean {
    return this.#sip?.connected === true;
  }

  async prepare({ plan }: ReadPlan): Promise<void> {
    const { settings, clock, random, logger } = this.#options;
    const choice = modelChoice(settings);
    if (choice.kind === 'refused') throw new StartRefused(choice.line);
    await prepareTools(this.#toolbox, plan);
    this.#plan = plan;
    this.#models = await startModels({ settings, clock, random, logger, choice, plan, toolbox: this.#toolbox });
    const services = await this.#services(this.#models);
    this.#calls = new Calls({ services, supervisionsMax: settings.maxSupervisions, clock, random });
  }

  async connect(embedded: SipServerAddress | undefined): Promise<void> {
    const { settings, clock, random, logger, full = () => false } = this.#options;
    await this.#freeswitch?.start(() => this.#sip?.link);
    // OPTIONS say what a call would find.
    const noPlace = (): boolean => full() || this.#freeswitch?.taking === false;
    this.#sip = await SipFront.start({
      ...{ settings, clock, random, logger, embedded, full: noPlace },
      onBug: ({ leg, cause }) => this.#calls?.failCallOf(leg, cause),
      onCall: (leg) => this.#calls?.accept(leg),
    });
  }

  async usePlan({ plan }: ReadPlan): Promise<void> {
    await prepareTools(this.#toolbox, plan);
    await this.#models?.prepareFor(plan);
    this.#plan = plan;
  }

  snapshots(): CallSnapshot[] {
    return this.#calls?.snapshots() ?? [];
  }

  lateness(): Buckets {
    return this.#frameClock.lateness;
  }

  toolDiscards(): ReadonlyMap<string, number> {
    return this.#toolbox.discards;
  }

  unanswerable(): number {
    return this.#sip?.unanswerable ?? 0;
  }

  waysIn(): readonly WayInFigures[] {
    return this.#sip?.waysIn ?? [];
  }

  freeswitch(): readonly FreeswitchFigures[] {
    return this.#freeswitch?.figures ?? [];
  }

  /** Everything here is up to date. */
  refresh(): Promise<void> {
    return Promise.resolve();
  }

  notReady(): string[] {
    const reasons: string[] = [];
    const problem = this.#sip === undefined ? 'there is no link to the SIP server' : this.#sip.problem;
    if (problem !== undefined) reasons.push(problem);
    if (this.#freeswitch?.taking === false) reasons.push('no FreeSWITCH takes calls');
    if (this.#calls?.draining === true) reasons.push('the bridge is draining');
    return reasons;
  }

  degraded(): string[] {
    return [];
  }

  refuseCalls(): void {
    if (this.#sip !== undefined) this.#sip.accepting = false;
  }

  /** New calls go to other processes. For the embedded SIP server. */
  leaveCallsToOthers(): void {
    this.#sip?.leaveRotation();
  }

  async drain(options: { limitMs: number }): Promise<void> {
    this.refuseCalls();
    await this.#calls?.drain(options);
  }

  endAll(reason: EndReason): void {
    this.#calls?.endAll(reason);
  }

  /** By the plan in force now, whatever the plan of the call: who may listen was decided last by whoever wrote that. */
  supervise({ callId, ...request }: SupervisionRequest): Promise<SupervisionReply> {
    if (request.kind !== 'begin') return Promise.resolve(this.#obey(callId, request));
    const destination = this.#plan?.destinations.get(request.to);
    if (destination === undefined) return Promise.resolve({ kind: 'refused', why: 'no-such-destination' });
    return Promise.resolve(this.#obey(callId, { kind: 'begin', destination, mode: request.mode }));
  }

  #obey(callId: string, order: SupervisionOrder): SupervisionReply {
    return this.#calls?.supervise(callId, order) ?? { kind: 'refused', why: 'no-such-call' };
  }

  blameCurrentCall(cause: unknown): boolean {
    return this.#calls?.blameCurrentCall(cause) === true;
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.refuseCalls();
    this.endAll({ kind: 'draining' });
    await this.#closePart('freeswitch', () => this.#freeswitch?.close());
    await this.#closePart('sip', () => this.#sip?.close());
    await this.#closePart('tools', () => this.#toolbox.close());
    await this.#closePart('models', () => this.#models?.close());
  }

  /** One part that fails to close must not keep the others open. */
  async #closePart(part: string, close: () => Promise<void> | undefined): Promise<void> {
    try {
      await close();
    } catch (cause) {
      this.#options.logger.error({ part, error: messageOf(cause) }, 'a part of the bridge failed to close');
    }
  }

  async #services(models: Models): Promise<CallServices> {
    const { settings, clock, random, logger, admission, observers } = this.#options;
    return {
      clock,
      random,
      tools: this.#toolbox,
      logger,
      admission,
      observers,
      media: this.#mediaFactory(),
      prompts: await readPrompts(),
      prices: await readPrices(settings.prices),
      unpricedModels: new UnpricedModels(logger),
      route: (caller) => {
        invariant(this.#plan !== undefined, 'calls come only after a plan was loaded');
        return route(this.#plan, caller, { atMs: clock.wallTimeMs() });
      },
      modelFor: (agent) => models.modelFor(agent),
      openSession: (agent, listener, callId) => models.open(agent, listener, callId),
      placeCall: this.#placeCall,
      destinationLimits: new DestinationLimits(clock),
      modelDeadlineMs,
      timeWarningMs: settings.sessionWarningMs,
    };
  }

  readonly #placeCall: PlaceCall = (call, listener) => {
    const link = this.#sip?.link;
    if (link !== undefined) return placeCall(link, call, listener);
    // drachtio-servers that connect to us take no requests of ours.
    queueMicrotask(() => listener.onFailed({ kind: 'server-gone' }));
    return { hangUp: () => undefined, sendInfo: () => Promise.reject(new LegGone('the call was never placed')) };
  };

  #mediaFactory(): MediaLegFactory {
    const { settings, clock, random, logger, rtpPorts } = this.#options;
    const { publicAddress, mediaTimeoutMs, firstMediaTimeoutMs } = settings;
    const localAddress = settings.rtpAddress ?? settings.sipListen[0]?.address ?? '127.0.0.1';
    const facesFreeswitch = settings.freeswitch !== undefined;
    const { codecs, opus } = voiceCodecs(settings);
    const isWildcard = localAddress === '0.0.0.0' || localAddress === '::';
    const ours = createRtpLegFactory({
      clock,
      random,
      logger,
      frameClock: this.#frameClock,
      ports: new PortPool({ clock, random, ...rtpPorts }),
      localAddress,
      codecs,
      opus,
      facesOwnServer: facesFreeswitch,
      // FreeSWITCH stands on our side of the NAT.
      publicAddress: facesFreeswitch && !isWildcard ? undefined : publicAddress,
      // FreeSWITCH passes on no comfort noise: who is silent is judged by what it has heard.
      mediaTimeoutMs: facesFreeswitch ? neverMs : mediaTimeoutMs,
      firstMediaTimeoutMs: facesFreeswitch ? neverMs : firstMediaTimeoutMs,
    });
    if (!facesFreeswitch) return ours;
    this.#freeswitch = new FreeswitchMedia({ settings, clock, logger, ours });
    return this.#freeswitch;
  }
}

async function startModels(options: Parameters<typeof Models.start>[0]): Promise<Models> {
  try {
    return await Models.start(options);
  } catch (cause) {
    if (cause instanceof ModelRefused) throw new StartRefused(cause.message, { cause });
    throw cause;
  }
}
