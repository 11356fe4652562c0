import type { CallEvent, CallSnapshot } from '../../src/call/call-observer';
import type { CallServices } from '../../src/call/call-services';
import { CallLimits } from '../../src/call/call-limits';
import { DestinationLimits } from '../../src/call/destination-limits';
import { Calls } from '../../src/call/calls';
import { GatedListener } from '../../src/call/gated-listener';
import { Conversation } from '../../src/call/conversation';
import type { Prompts } from '../../src/call/prompts';
import type { Agent } from '../../src/dialplan/plan';
import type { RouteDecision } from '../../src/dialplan/route';
import { UnpricedModels } from '../../src/call/unpriced-models';
import type { SampleRateHz } from '../../src/audio/pcm';
import { FrameClock } from '../../src/media/frame-clock';
import type { MediaLeg, MediaLegFactory } from '../../src/media/media-leg';
import type { MemoryPhone } from '../../src/media/memory-leg';
import { MemoryLegFactory } from '../../src/media/memory-leg';
import { agentSessionSchema } from '../../src/realtime/agent-schema';
import type { MemoryPeer } from '../../src/realtime/memory-connection';
import { memoryModel } from '../../src/realtime/memory-connection';
import type { ConnectModel } from '../../src/realtime/model-connection';
import { RealtimeSession } from '../../src/realtime/session';
import type { RealtimeSessionListener } from '../../src/realtime/session-listener';
import { seededRandom } from '../../src/runtime/random';
import { VirtualClock } from '../../src/runtime/virtual-clock';
import type { MemoryCallerOptions } from '../../src/signalling/memory-caller';
import type { MemoryCallee } from '../../src/signalling/memory-callee';
import { MemoryCallees } from '../../src/signalling/memory-callee';
import { MemoryCaller } from '../../src/signalling/memory-caller';
import type { Behaviour } from '../../src/simulator/behaviour';
import type { SimulatorSessionOptions } from '../../src/simulator/session';
import { SimulatorSession } from '../../src/simulator/session';
import type { AgentTool } from '../../src/tools/agent-tool';
import { plainBuiltIn } from '../../src/tools/agent-tool';
import type { TakenMessage } from '../../src/tools/built-in';
import type { BuiltInTool } from '../../src/tools/built-in-tools';
import type { RunnableTool } from '../../src/tools/tool-run';
import { Toolbox } from '../../src/tools/toolbox';
import { LoggerSpy } from './logger-spy';

export const pcmuOffer = [
  'v=0',
  'o=- 1 1 IN IP4 127.0.0.1',
  's=-',
  'c=IN IP4 127.0.0.1',
  't=0 0',
  'm=audio 40000 RTP/AVP 0 101',
  'a=rtpmap:101 telephone-event/8000',
  'a=fmtp:101 0-16',
  'a=sendrecv',
  '',
].join('\r\n');

const prompt = (ms: number, value: number) => ({
  8_000: new Int16Array(ms * 8).fill(value),
  24_000: new Int16Array(ms * 24).fill(value),
});

/** Recordings that a test can tell apart by their level. */
export const promptLevels = {
  apology: 3_000,
  'session-warning': 4_000,
  'session-goodbye': 5_000,
  goodbye: 5_500,
  'please-wait': 2_500,
  'hold-music': 1_500,
  ringing: 1_700,
} as const;
const prompts: Prompts = {
  apology: prompt(1_000, promptLevels.apology),
  goodbye: prompt(700, promptLevels.goodbye),
  'please-wait': prompt(500, promptLevels['please-wait']),
  'session-warning': prompt(600, promptLevels['session-warning']),
  'session-goodbye': prompt(800, promptLevels['session-goodbye']),
  'hold-music': prompt(400, promptLevels['hold-music']),
  ringing: prompt(400, promptLevels.ringing),
};

export interface VirtualAgent {
  agent?: Record<string, unknown>;
  tools?: readonly (BuiltInTool | AgentTool | RunnableTool)[];
  idle?: Agent['idle'];
  turns?: Agent['turns'];
  /** Without it: to every other one. */
  handoffs?: readonly string[];
  /** Without it: the same one. */
  model?: string;
}

export interface VirtualCallOptions {
  /** What the simulator does; unset means that the test plays the model itself through `model.peer`. */
  behaviour?: Behaviour;
  simulator?: SimulatorSessionOptions;
  agent?: Record<string, unknown>;
  /** Ringbridge's own by name, or a test's own. */
  tools?: readonly (BuiltInTool | AgentTool | RunnableTool)[];
  /** Where transfer_call may send the caller. */
  transfers?: readonly string[];
  idle?: Agent['idle'];
  turns?: Agent['turns'];
  /** To whom the agent may hand the call over, and who that is, by name. */
  colleagues?: Record<string, VirtualAgent>;
  decision?: (answer: Extract<RouteDecision, { kind: 'answer' }>) => RouteDecision;
  caller?: Partial<MemoryCallerOptions>;
  /** Of each media leg by its call id; 8 kHz unless given. Those of destinations have a slash in it. */
  rateHz?: (callId: string) => SampleRateHz;
  /** The INVITE has no SDP. */
  lateOffer?: boolean;
  callsMax?: number;
  supervisionsMax?: number;
  /** What those do who are called. */
  onInvite?: (callee: MemoryCallee) => void;
  /** The model never answers the connection. */
  modelSilent?: boolean;
  /** Decides about each connection to the model, counted from 0; undefined lets it be. */
  onConnect?: (peer: MemoryPeer, count: number) => 'silent' | undefined;
  /** How long making a media leg takes. */
  mediaDelayMs?: number;
  /** Each media leg, before the call has it. */
  onLeg?: (leg: MediaLeg) => void;
  /** Runs after the test's own observer has seen the event. */
  onEvent?: (event: CallEvent, call: VirtualCall) => void;
  /** In place of the call's own, for what goes wrong in them. */
  services?: Partial<CallServices>;
}

/** A client event; `session` counts connections from 0. */
export interface Received {
  atMs: number;
  event: Record<string, unknown>;
  session: number;
}

export interface SeenEvent {
  atMs: number;
  event: CallEvent;
  snapshot: CallSnapshot;
}

/** A whole call without a network: in-memory caller, media and model on one virtual clock. */
export class VirtualCall {
  readonly clock = new VirtualClock();
  readonly caller: MemoryCaller;
  readonly media: MemoryLegFactory;
  readonly calls: Calls;
  /** Whom the call was sent to. */
  readonly callees: MemoryCallees;
  readonly events: SeenEvent[] = [];
  /** Client events as the model received them. */
  readonly received: Received[] = [];
  /** Client events that were sent although observers had been told of the call's end. */
  readonly sentAfterEnd: string[] = [];
  readonly log = new LoggerSpy();
  /** Messages that callers left. */
  readonly messages: TakenMessage[] = [];
  readonly toolbox: Toolbox;
  readonly frameClock: FrameClock;
  /** Media legs that were made and not closed. */
  readonly openLegs = new Set<MediaLeg>();
  /** Connections to the model that were opened and not closed on either side. */
  openConnections = 0;
  /** The last connection to the model, and all of them in order. */
  peer: MemoryPeer | undefined;
  readonly peers: MemoryPeer[] = [];
  simulator: SimulatorSession | undefined;
  readonly #services: CallServices;
  #listener: RealtimeSessionListener | undefined;

  constructor(options: VirtualCallOptions = {}) {
    const { clock } = this;
    const random = seededRandom(7);
    this.frameClock = new FrameClock({ clock });
    this.media = new MemoryLegFactory({
      clock,
      frameClock: this.frameClock,
      ...(options.rateHz && { rateHz: options.rateHz }),
    });
    this.callees = new MemoryCallees({ clock, ...(options.onInvite && { onInvite: options.onInvite }) });
    const offer = options.lateOffer === true ? {} : { offer: pcmuOffer };
    this.caller = new MemoryCaller({ clock, ...offer, ...options.caller });
    const names = ['reception', ...Object.keys(options.colleagues ?? {})];
    const agent = agentOf('reception', options, names);
    const colleagues = new Map(
      Object.entries(options.colleagues ?? {}).map(([name, one]) => [name, agentOf(name, one, names)] as const),
    );
    colleagues.set('reception', agent);
    const ownTools = [options, ...Object.values(options.colleagues ?? {})]
      .flatMap(({ tools }) => tools ?? [])
      .filter((tool) => typeof tool !== 'string')
      .filter(isRunnable);
    const definitions: CallServices['tools']['definitions'] = (tools) => [
      ...this.toolbox.definitions(tools),
      ...ownTools.map(({ definition }) => definition).filter(({ name }) => tools.some((tool) => tool.name === name)),
    ];
    this.toolbox = this.#toolbox();
    const answer: Extract<RouteDecision, { kind: 'answer' }> = {
      kind: 'answer',
      route: 'every number',
      planHash: 'abcdef012345',
      trunk: undefined,
      splits: [],
      headers: {},
      agent,
      lengthLimitMs: undefined,
      callsLimit: undefined,
      unavailable: { reject: 480 },
      ...(options.colleagues && { colleagues }),
    };
    const limits = new CallLimits({ callsMax: options.callsMax ?? 10 });
    const connect = this.#watched(memoryModel({ clock, accept: (peer) => this.#accept(peer, options) }));
    this.#services = {
      clock,
      random,
      logger: this.log,
      tools: {
        find: (tools, name) =>
          ownTools.find(({ definition }) => definition.name === name && tools.some((tool) => tool.name === name)) ??
          this.toolbox.find(tools, name),
        definitions,
        discarded: (reason) => this.toolbox.discarded(reason),
      },
      media: this.#watchedMedia(options),
      prompts,
      unpricedModels: new UnpricedModels(this.log),
      admission: limits,
      prices: { models: new Map(), transcription: new Map() },
      observers: [
        limits,
        { onCallEvent: (event, snapshot) => void this.events.push({ atMs: clock.now(), event, snapshot }) },
        { onCallEvent: (event) => options.onEvent?.(event, this) },
      ],
      route: () => options.decision?.(answer) ?? answer,
      modelFor: ({ session }) => ({ kind: 'simulator', name: session.model ?? 'simulator:test' }),
      openSession: (forAgent, listener) => {
        this.#listener = listener;
        return RealtimeSession.open({
          connect,
          endpoint: { url: 'ws://model.invalid/v1/realtime', model: 'test', apiKey: undefined, headers: {} },
          agent: forAgent.session,
          tools: definitions(forAgent.tools),
          clock,
          logger: this.log,
          random,
          listener,
        });
      },
      placeCall: this.callees.place,
      destinationLimits: new DestinationLimits(clock),
      modelDeadlineMs: 3_000,
      timeWarningMs: 60_000,
      ...options.services,
    };
    const { supervisionsMax } = options;
    this.calls = new Calls({
      services: this.#services,
      ...(supervisionsMax !== undefined && { supervisionsMax }),
      clock,
      random,
    });
  }

  /** The INVITE comes. */
  ring(): void {
    this.calls.accept(this.caller.leg);
  }

  /** Rings and lets the call come up. */
  async answered(): Promise<this> {
    this.ring();
    await this.run(200);
    return this;
  }

  async run(ms: number): Promise<void> {
    await this.clock.advanceAsync(ms);
  }

  /** The conversation that the session tells everything to. */
  get conversation(): Conversation {
    const listener = this.#listener instanceof GatedListener ? this.#listener.target : this.#listener;
    if (!(listener instanceof Conversation)) throw new Error('there is no conversation yet');
    return listener;
  }

  get phone(): MemoryPhone {
    const [phone] = this.media.phones.values();
    if (phone === undefined) throw new Error('no media leg was made');
    return phone;
  }

  kinds(): string[] {
    return this.events.map(({ event }) => event.kind);
  }

  last<K extends CallEvent['kind']>(kind: K): (SeenEvent & { event: Extract<CallEvent, { kind: K }> }) | undefined {
    const found = this.events.findLast(({ event }) => event.kind === kind);
    return found as (SeenEvent & { event: Extract<CallEvent, { kind: K }> }) | undefined;
  }

  /** Client events of one type, as the model received them. */
  sent(type: string): Received[] {
    return this.received.filter(({ event }) => event.type === type);
  }

  /** The model says something, when the test plays the model. */
  say(event: Record<string, unknown>, peer = this.peer): void {
    if (peer === undefined) throw new Error('the model is not connected');
    peer.send(JSON.stringify({ event_id: `event_${this.clock.now()}`, ...event }));
  }

  /** Loudest sample of what the caller heard from a time on. */
  heardSince(atMs: number): number {
    let loudest = 0;
    for (const frame of this.phone.heard) {
      if (frame.atMs < atMs) continue;
      for (const sample of frame.samples) loudest = Math.max(loudest, Math.abs(sample));
    }
    return loudest;
  }

  #toolbox(): Toolbox {
    const notHere = (): never => {
      throw new Error('there is no network in a virtual call');
    };
    return new Toolbox({
      clock: this.clock,
      random: seededRandom(11),
      logger: this.log,
      send: notHere,
      secret: notHere,
      loadModule: notHere,
      connectMcp: notHere,
      messages: {
        add: (message) => {
          this.messages.push(message);
          return Promise.resolve('kept');
        },
      },
    });
  }

  #watchedMedia({ mediaDelayMs, onLeg }: VirtualCallOptions): MediaLegFactory {
    return {
      create: async (legOptions) => {
        if (mediaDelayMs !== undefined) await new Promise<void>((done) => this.clock.setTimer(mediaDelayMs, done));
        const leg = await this.media.create(legOptions);
        this.openLegs.add(leg);
        const close = leg.close.bind(leg);
        leg.close = () => {
          this.openLegs.delete(leg);
          close();
        };
        onLeg?.(leg);
        return leg;
      },
    };
  }

  #watched(connect: ConnectModel): ConnectModel {
    return (endpoint, listener) => {
      this.openConnections += 1;
      const connection = connect(endpoint, {
        ...listener,
        onClose: (closed) => {
          this.openConnections -= 1;
          listener.onClose(closed);
        },
      });
      return {
        send: (text) => {
          if (this.kinds().includes('ended')) this.sentAfterEnd.push(text);
          connection.send(text);
        },
        get bufferedBytes() {
          return connection.bufferedBytes;
        },
        close: () => connection.close(),
      };
    };
  }

  #accept(peer: MemoryPeer, options: VirtualCallOptions) {
    this.peer = peer;
    this.peers.push(peer);
    const count = this.peers.length - 1;
    const isSilent = options.modelSilent === true || options.onConnect?.(peer, count) === 'silent';
    const { behaviour } = options;
    let simulator: SimulatorSession | undefined;
    if (behaviour !== undefined && !isSilent) {
      simulator = new SimulatorSession({
        clock: this.clock,
        random: seededRandom(3 + count),
        behaviour,
        model: 'test',
        options: options.simulator ?? {},
        send: (event) => peer.send(JSON.stringify(event)),
        sendText: (text) => peer.send(text),
        close: (code, reason) => peer.close(code, reason),
      });
      simulator.start();
      this.simulator = simulator;
    }
    return {
      onMessage: (text: string): void => {
        const event = JSON.parse(text) as Record<string, unknown>;
        this.received.push({ atMs: this.clock.now(), event, session: count });
        if (simulator !== undefined) simulator.receive(text);
        else if (!isSilent) this.#answerAsModel(event, peer);
      },
      onClose: (): void => simulator?.end(),
    };
  }

  /** When the test plays the model, only the session's configuration is answered by itself. */
  #answerAsModel(event: Record<string, unknown>, peer: MemoryPeer): void {
    if (event.type !== 'session.update') return;
    const session = { ...(event.session as object), id: 'sess_test', object: 'realtime.session', model: 'test' };
    this.say({ type: 'session.created', session }, peer);
    this.say({ type: 'session.updated', session }, peer);
  }
}

function agentOf(
  name: string,
  options: VirtualAgent & { transfers?: readonly string[] },
  names: readonly string[],
): Agent {
  const handoffs = options.handoffs ?? names.filter((one) => one !== name);
  const { tools = ['hang_up'], transfers = [], agent, idle, turns, model } = options;
  return {
    name,
    session: agentSessionSchema.parse({ instructions: 'Be kind.', ...agent, ...(model !== undefined && { model }) }),
    tools: tools.map((tool) => {
      if (typeof tool !== 'string') return isRunnable(tool) ? standIn(tool) : tool;
      return { ...plainBuiltIn(tool), choices: tool === 'hand_off' ? handoffs : transfers };
    }),
    ...(handoffs.length > 0 && { handoffs }),
    idle,
    turns,
  };
}

/** What the plan would say of a test's own tool. */
function isRunnable(tool: AgentTool | RunnableTool): tool is RunnableTool {
  return 'run' in tool;
}

function standIn({ definition: { name } }: RunnableTool): AgentTool {
  return { name, description: undefined, whileWaiting: undefined, kind: 'module', file: `${name}.mjs`, version: '' };
}
