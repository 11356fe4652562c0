import type { Random } from '../../src/runtime/random';
import type { VirtualClock } from '../../src/runtime/virtual-clock';
import { readEssentials } from '../../src/sip-server/essentials';
import { parseMessage } from '../../src/sip-server/parse-message';
import type { Flow, SipTransport, TransportListener, TransportName } from '../../src/sip-server/transport';
import { below, pick } from './mutate';

const lostOfHundred = 12;
const repeatedOfHundred = 8;
const delayMaxMs = 700;
/** Nothing is older than T4 (RFC 3261 section 17.1.2.2), which is as long as a refused INVITE is remembered. */
const replayMaxMs = 4_000;

/** A network that loses, delays, repeats and reorders; over streams it only delays, and keeps the order. */
export class FuzzNetwork {
  readonly problems: string[] = [];
  readonly #clock: VirtualClock;
  readonly #random: Random;
  readonly #name: TransportName;
  readonly #ends = new Map<string, FuzzTransport>();
  /** The final answers to each request that has arrived, by receiver, branch and method. */
  readonly #answers = new Map<string, string>();
  #isBad = true;

  constructor(clock: VirtualClock, random: Random, name: TransportName) {
    this.#clock = clock;
    this.#random = random;
    this.#name = name;
  }

  open(address: string): FuzzTransport {
    const end = new FuzzTransport(this, this.#name, address);
    this.#ends.set(address, end);
    return end;
  }

  /** From now on all arrives, once and at once. */
  heal(): void {
    this.#isBad = false;
  }

  carry(bytes: Buffer, from: FuzzTransport, to: Flow): void {
    this.#noteAnswer(bytes, from.address);
    const deliver = (delayMs: number): void => {
      this.#clock.setTimer(delayMs, () => {
        const target = this.#ends.get(to.remoteAddress);
        target?.listener.onMessage(bytes, { transport: target, remoteAddress: from.address, remotePort: 5_060 });
      });
    };
    if (!this.#isBad || this.#name !== 'udp') {
      deliver(10);
      return;
    }
    if (below(100, this.#random) >= lostOfHundred) deliver(below(10, this.#random) === 0 ? this.#delay() : 10);
    if (below(100, this.#random) < repeatedOfHundred) deliver(pick([10, this.#delay(), this.#replay()], this.#random));
  }

  #delay(): number {
    return below(delayMaxMs, this.#random);
  }

  #replay(): number {
    return below(replayMaxMs, this.#random);
  }

  /** A request gets one final answer, however often it comes (RFC 3261 section 17.2). */
  #noteAnswer(bytes: Buffer, from: string): void {
    const message = parseMessage(bytes);
    if (message.kind !== 'response' || message.status < 200) return;
    const essentials = readEssentials(message);
    if (typeof essentials === 'string') {
      this.problems.push(`an answer that nobody can read: ${essentials}`);
      return;
    }
    const key = `${from} ${essentials.via.params.get('branch') ?? ''} ${essentials.cseq.method}`;
    const answer = `${message.status} ${essentials.toTag ?? ''}`;
    const before = this.#answers.get(key) ?? answer;
    if (before !== answer) this.problems.push(`${key} was answered with ${before}, then with ${answer}`);
    this.#answers.set(key, answer);
  }
}

/** One end of it. */
export class FuzzTransport implements SipTransport {
  readonly name: TransportName;
  readonly address: string;
  readonly port = 5_060;
  readonly #network: FuzzNetwork;
  listener: TransportListener = { onMessage: () => 'keep' };

  constructor(network: FuzzNetwork, name: TransportName, address: string) {
    this.#network = network;
    this.name = name;
    this.address = address;
  }

  send(bytes: Buffer, to: Flow): void {
    this.#network.carry(bytes, this, to);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
