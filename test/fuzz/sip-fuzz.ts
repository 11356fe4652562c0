import { setImmediate } from 'node:timers/promises';

import { seededRandom } from '../../src/runtime/random';
import type { Random } from '../../src/runtime/random';
import { VirtualClock } from '../../src/runtime/virtual-clock';
import type { IncomingEvent } from '../../src/sip-server/application';
import { readEssentials } from '../../src/sip-server/essentials';
import { parseMessage } from '../../src/sip-server/parse-message';
import { defaultRequestRules, findRequestFault } from '../../src/sip-server/request-rules';
import { serializeMessage } from '../../src/sip-server/sip-message';
import type { SipStack } from '../../src/sip-server/stack';
import { buildStack } from '../../src/sip-server/stack';
import { createStats } from '../../src/sip-server/stats';
import { StreamFramer } from '../../src/sip-server/stream-framer';
import type { Flow, SipTransport } from '../../src/sip-server/transport';
import { RecordingApplication, answer, stackDefaults } from '../sip-server/test-peer';
import { below, mutate, pick } from './mutate';
import { sipCorpus } from './sip-corpus';

/** As many sources as a guard would see of a flood, trusted or not. */
const sources = 300;
const statuses = [180, 183, 200, 200, 200, 202, 302, 404, 486, 500, 603];
const roundsPerTurn = 100;
/** Longer than any timer of a call or subscription lives. */
const settleMs = 3_700_000;

/** Feeds mutated messages to parser, framer and a whole stack on a virtual clock. The same seed does the same again. */
export class SipFuzz {
  readonly stats = createStats();
  readonly #random: Random;
  readonly #clock = new VirtualClock();
  readonly #corpus = sipCorpus();
  readonly #stack: SipStack;
  readonly #transport: SipTransport;
  readonly #seed: number;
  /** A To tag of a dialog that the stack has made. */
  #lastTag = 'none';
  #round = 0;

  constructor(seed: number) {
    this.#seed = seed;
    this.#random = seededRandom(seed);
    this.#transport = {
      name: 'udp',
      address: '127.0.0.1',
      port: 5060,
      send: (bytes) => this.#learnTag(bytes),
      close: () => Promise.resolve(),
    };
    const application = new AnsweringApplication((event) => this.#respond(event));
    this.#stack = buildStack({
      clock: this.#clock,
      random: this.#random,
      ...stackDefaults,
      stats: this.stats,
      transports: [this.#transport],
      selectApplication: () => application,
      routedMethods: () => 'any',
    });
    application.respond = (event, status) => {
      this.#stack.agent.respond(application, event.transactionId, answer(status));
    };
  }

  /** Rejects with an Error that names seed, round and octets when anything throws. */
  async run(rounds: number): Promise<void> {
    for (let round = 0; round < rounds; round += 1) {
      this.#round += 1;
      // Look-ups settle between the turns of the event loop only.
      if (round % roundsPerTurn === 0) await setImmediate();
      const original = this.#message();
      const message = below(20, this.#random) === 0 ? original : mutate(original, this.#corpus, this.#random);
      try {
        this.#feed(message);
      } catch (cause) {
        const where = `seed ${this.#seed}, round ${this.#round}: ${message.toString('base64')}`;
        throw new Error(`a message was not survived, ${where}`, { cause });
      }
    }
  }

  /** Lets all timers run out; what is left then is a leak. */
  async settle(): Promise<{ dialogs: number; serverTransactions: number; clientTransactions: number; timers: number }> {
    await setImmediate();
    this.#clock.advance(settleMs);
    await setImmediate();
    // What is left are calls that nobody hung up.
    for (const dialog of this.#stack.dialogs.all()) this.#stack.agent.hangUp(dialog, 'the end');
    await setImmediate();
    this.#clock.advance(settleMs);
    const { dialogs, transactions } = this.#stack;
    return {
      dialogs: dialogs.size,
      serverTransactions: transactions.serverCount,
      clientTransactions: transactions.clientCount,
      timers: this.#clock.pendingTimers,
    };
  }

  #message(): Buffer {
    const text = pick(this.#corpus, this.#random).toString('latin1');
    const call = Math.floor(this.#round / 10);
    const own = text.replace('Call-ID: call-1', `Call-ID: call-${call}`).replace(/branch=z9hG4bK/, `$&${call}`);
    return Buffer.from(own.replace('@tag', this.#lastTag), 'latin1');
  }

  #feed(message: Buffer): void {
    parse(message);
    this.#frame(message);
    const remoteAddress = `127.1.${below(sources, this.#random) % 3}.${below(100, this.#random)}`;
    const flow: Flow = { transport: this.#transport, remoteAddress, remotePort: below(65_536, this.#random) };
    this.#stack.listener.onMessage(message, flow);
    this.#clock.advance(below(40, this.#random));
  }

  /** In two or three pieces, with another message behind it. */
  #frame(message: Buffer): void {
    const framer = new StreamFramer({ onFrame: parse, onPing: () => undefined });
    const whole = Buffer.concat([message, pick(this.#corpus, this.#random)]);
    const cut = below(whole.length, this.#random);
    if (framer.push(whole.subarray(0, cut)) === undefined) framer.push(whole.subarray(cut));
  }

  #respond(event: IncomingEvent): number | undefined {
    const isInvite = event.arrival.message.method === 'INVITE';
    return below(10, this.#random) === 0 && !isInvite ? undefined : pick(statuses, this.#random);
  }

  #learnTag(bytes: Buffer): void {
    if (this.#lastTag !== 'none' && below(5, this.#random) > 0) return;
    this.#lastTag = /\r\nTo: .*;tag=([^\r;]+)/.exec(bytes.toString('latin1'))?.[1] ?? this.#lastTag;
  }
}

/** Answers at once, or never, and keeps nothing. */
class AnsweringApplication extends RecordingApplication {
  readonly #decide: (event: IncomingEvent) => number | undefined;
  respond: (event: IncomingEvent, status: number) => void = () => undefined;

  constructor(decide: (event: IncomingEvent) => number | undefined) {
    super();
    this.#decide = decide;
  }

  override onRequest(event: IncomingEvent): void {
    const status = this.#decide(event);
    if (status !== undefined) this.respond(event, status);
    if (status !== undefined && status < 200) this.respond(event, 200);
    for (const list of Object.values(this)) if (Array.isArray(list)) list.length = 0;
  }
}

function parse(bytes: Buffer): void {
  const parsed = parseMessage(bytes);
  if (parsed.kind === 'garbage') return;
  const message = parsed.kind === 'broken-request' ? parsed.request : parsed;
  const essentials = readEssentials(message);
  if (typeof essentials !== 'string' && message.kind === 'request') {
    findRequestFault(message, essentials, { rules: defaultRequestRules, routed: ['INVITE'] });
  }
  serializeMessage(message);
}
