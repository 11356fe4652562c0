import { setImmediate } from 'node:timers/promises';

import { seededRandom } from '../../src/runtime/random';
import type { Random } from '../../src/runtime/random';
import { VirtualClock } from '../../src/runtime/virtual-clock';
import type { SipServerStats } from '../../src/sip-server/stats';
import type { SipStack } from '../../src/sip-server/stack';
import { buildStack } from '../../src/sip-server/stack';
import { createStats } from '../../src/sip-server/stats';
import type { TransportName } from '../../src/sip-server/transport';
import { stackDefaults } from '../sip-server/test-peer';
import { FuzzApplication } from './fuzz-application';
import { FuzzNetwork } from './fuzz-network';
import { below } from './mutate';

/** How long nothing new is begun after a round, so that whatever was begun comes to its end. */
const settleMs = 900_000;

interface Side {
  stack: SipStack;
  app: FuzzApplication;
  stats: SipServerStats;
}

/**
 * Two whole stacks call each other over a network that loses, repeats and overtakes, on a virtual clock: each application
 * does what it likes when it likes. The same seed does the same again.
 */
export class DialogFuzz {
  readonly #seed: number;
  readonly #random: Random;
  readonly #clock = new VirtualClock();
  readonly #network: FuzzNetwork;
  readonly #sides: readonly Side[];

  constructor(seed: number, transport: TransportName = 'udp') {
    this.#seed = seed;
    this.#random = seededRandom(seed);
    this.#network = new FuzzNetwork(this.#clock, this.#random, transport);
    this.#sides = [this.#open('127.0.0.1', '127.0.0.2'), this.#open('127.0.0.2', '127.0.0.1')];
  }

  /** Begins so many steps, lets all end, and resolves with what does not add up; nothing is what should come. */
  async run(steps: number): Promise<string[]> {
    for (let step = 0; step < steps; step += 1) {
      this.#sides[below(2, this.#random)]?.app.act();
      this.#clock.advance(below(2_000, this.#random));
      if (step % 50 === 0) await setImmediate();
    }
    this.#network.heal();
    this.#clock.advance(settleMs);
    await setImmediate();
    const problems = [...this.#network.problems];
    for (const { app, stack } of this.#sides) problems.push(...app.problems(stack.dialogs.all()));
    for (const { app } of this.#sides) app.hangUpAll();
    this.#clock.advance(settleMs);
    await setImmediate();
    for (const { stack } of this.#sides) problems.push(...leftovers(stack));
    if (this.#clock.pendingTimers > 0) problems.push(`${this.#clock.pendingTimers} timers are left`);
    return problems.map((problem) => `seed ${this.#seed}: ${problem}`);
  }

  /** What both sides counted, for a test that wants to know that something has happened. */
  total(counter: keyof SipServerStats): number {
    return this.#sides.reduce((total, { stats }) => total + stats[counter], 0);
  }

  #open(address: string, other: string): Side {
    const own = this.#network.open(address);
    const stats = createStats();
    const app = new FuzzApplication({
      clock: this.#clock,
      random: this.#random,
      target: `sip:bob@${other}:5060${own.name === 'udp' ? '' : `;transport=${own.name}`}`,
      agent: () => stack.agent,
    });
    const stack: SipStack = buildStack({
      clock: this.#clock,
      random: this.#random,
      ...stackDefaults,
      stats,
      transports: [own],
      selectApplication: () => app,
      routedMethods: () => 'any',
    });
    own.listener = stack.listener;
    return { stack, app, stats };
  }
}

function leftovers({ dialogs, transactions }: SipStack): string[] {
  const counts = {
    dialogs: dialogs.size,
    'server transactions': transactions.serverCount,
    'client transactions': transactions.clientCount,
  };
  return Object.entries(counts).flatMap(([what, count]) => (count === 0 ? [] : [`${count} ${what} are left`]));
}
