import type { CallEvent, CallSnapshot } from '../call/call-observer';
import { DestinationLimits } from '../call/destination-limits';
import { CallLimits } from '../call/call-limits';
import { Calls } from '../call/calls';
import type { Prompts } from '../call/prompts';
import { UnpricedModels } from '../call/unpriced-models';
import { momentIn, parseCallTime } from '../dialplan/call-time';
import type { Plan } from '../dialplan/plan';
import { route } from '../dialplan/route';
import { FrameClock } from '../media/frame-clock';
import type { MemoryPhone } from '../media/memory-leg';
import { MemoryLegFactory } from '../media/memory-leg';
import { memoryModel } from '../realtime/memory-connection';
import type { MemoryPeer, MemoryPeerListener } from '../realtime/memory-connection';
import { RealtimeSession } from '../realtime/session';
import { CivilClock } from '../runtime/civil-time';
import { silentLogger } from '../runtime/logger';
import type { Random } from '../runtime/random';
import { VirtualClock } from '../runtime/virtual-clock';
import type { MemoryCallee } from '../signalling/memory-callee';
import { MemoryCallees } from '../signalling/memory-callee';
import { MemoryCaller } from '../signalling/memory-caller';
import type { Behaviour } from '../simulator/behaviour';
import { SimulatorSession } from '../simulator/session';
import { RehearsedTools } from './rehearsed-tools';
import type { CallScenario } from './scenario-schema';

const offer = [
  'v=0',
  'o=- 1 1 IN IP4 192.0.2.2',
  's=-',
  'c=IN IP4 192.0.2.2',
  't=0 0',
  'm=audio 40000 RTP/AVP 0 101',
  'a=rtpmap:101 telephone-event/8000',
  'a=fmtp:101 0-16',
  'a=sendrecv',
  '',
].join('\r\n');

/** Three rings. */
const answerAfterMs = 6_000;

export interface StageOptions {
  readonly plan: Plan;
  readonly call: CallScenario['call'];
  readonly prompts: Prompts;
  readonly tools: CallScenario['tools'];
  readonly destinations: CallScenario['destinations'];
  /** Everything that the model is told, as it was sent. */
  readonly onModelTold: (text: string) => void;
  readonly behaviour: Behaviour;
  readonly random: Random;
  /** What "mon 10:00" counts from, Unix milliseconds. */
  readonly nowMs: number;
  readonly onEvent: (event: CallEvent, snapshot: CallSnapshot) => void;
}

/** One call between a phone and a simulated model, all of it in memory and on a clock that moves only when told. */
export class Stage {
  readonly clock: VirtualClock;
  readonly caller: MemoryCaller;
  readonly calls: Calls;
  readonly #options: StageOptions;
  readonly #media: MemoryLegFactory;

  constructor(options: StageOptions) {
    this.#options = options;
    this.clock = new VirtualClock({ startWallMs: callMoment(options) });
    const { clock } = this;
    const { to, from, source, headers } = options.call;
    this.#media = new MemoryLegFactory({ clock, frameClock: new FrameClock({ clock }) });
    this.caller = new MemoryCaller({ clock, offer, headers, info: { to, from, sourceAddress: source } });
    this.calls = this.#newCalls();
  }

  /** The caller's telephone; undefined until the call has media. */
  get phone(): MemoryPhone | undefined {
    return [...this.#media.phones.values()][0];
  }

  #newCalls(): Calls {
    const { clock } = this;
    const { plan, prompts, random, onEvent } = this.#options;
    const admission = new CallLimits({ callsMax: 1 });
    const tools = new RehearsedTools({ clock, random, standIns: this.#options.tools });
    const callees = new MemoryCallees({ clock, onInvite: (callee) => this.#receiveCall(callee) });
    const connect = memoryModel({ clock, accept: (peer) => this.#acceptModel(peer) });
    return new Calls({
      clock,
      random,
      services: {
        clock,
        random,
        tools,
        admission,
        logger: silentLogger,
        media: this.#media,
        prompts,
        // A simulator costs nothing.
        prices: { models: new Map(), transcription: new Map() },
        unpricedModels: new UnpricedModels(silentLogger),
        observers: [admission, { onCallEvent: onEvent }],
        route: (caller) => route(plan, caller, { atMs: clock.wallTimeMs() }),
        // Agents of different models get different sessions here, too.
        modelFor: ({ session }) => ({ kind: 'simulator', name: session.model ?? 'simulator:scenario' }),
        openSession: (agent, listener) =>
          RealtimeSession.open({
            connect,
            endpoint: { url: 'ws://model.invalid/v1/realtime', model: 'simulator', apiKey: undefined, headers: {} },
            agent: agent.session,
            tools: tools.definitions(agent.tools),
            clock,
            logger: silentLogger,
            random,
            listener,
          }),
        placeCall: callees.place,
        destinationLimits: new DestinationLimits(clock),
        modelDeadlineMs: 3_000,
        timeWarningMs: 60_000,
      },
    });
  }

  /** Who answers does so after three rings; who does not, when the caller's patience ends. */
  #receiveCall(callee: MemoryCallee): void {
    const called = this.calls.snapshots()[0]?.transfers.at(-1)?.destination ?? '';
    const behaviour = this.#options.destinations[called] ?? 'answers';
    callee.ring();
    if (behaviour === 'no-answer') return;
    this.clock.setTimer(answerAfterMs, () => {
      switch (behaviour) {
        case 'answers':
          callee.answer(callee.invite.sdp);
          return;
        case 'busy':
          callee.reject(486, 'Busy Here');
          return;
        case 'declines':
          callee.reject(603, 'Decline');
          return;
        case 'fails':
          callee.reject(503, 'Service Unavailable');
      }
    });
  }

  #acceptModel(peer: MemoryPeer): MemoryPeerListener {
    const session = new SimulatorSession({
      clock: this.clock,
      random: this.#options.random,
      behaviour: this.#options.behaviour,
      model: peer.endpoint.model,
      send: (event) => peer.send(JSON.stringify(event)),
      sendText: (text) => peer.send(text),
      close: (code, reason) => peer.close(code, reason),
    });
    session.start();
    const onMessage = (text: string): void => {
      this.#options.onModelTold(text);
      session.receive(text);
    };
    return { onMessage, onClose: () => session.end() };
  }
}

/** The hour on the wall in the zone of the plan's first schedule; UTC when it has none. */
function callMoment({ plan, call, nowMs }: StageOptions): number {
  const [schedule] = plan.schedules.values();
  const at = parseCallTime(call.at, { nowMs });
  const clock = schedule?.clock ?? CivilClock.in('UTC');
  return at === undefined || clock === undefined ? nowMs : momentIn(clock, at);
}
