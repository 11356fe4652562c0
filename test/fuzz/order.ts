import { parseMessage } from '../../src/sip-server/parse-message';
import type { SipRequest, SipResponse } from '../../src/sip-server/sip-message';
import { createBench, type Bench } from '../sip-server/test-peer';

/** A server whose one peer is the test: it hears whole messages. */
export function benchHeardBy(ears: {
  onRequest(request: SipRequest): void;
  onResponse(response: SipResponse): void;
}): Bench {
  const bench = createBench({ routed: ['INVITE', 'OPTIONS'] });
  bench.peer.transport.listener = {
    onMessage: (bytes) => {
      const message = parseMessage(bytes);
      if (message.kind === 'request') ears.onRequest(message);
      else if (message.kind === 'response') ears.onResponse(message);
      return 'keep';
    },
  };
  return bench;
}

export interface Order<Step> {
  readonly steps: readonly Step[];
  /** Between them. */
  readonly gapMs: number;
  /** More than every timer that a step can start, one after the other. */
  readonly settleMs: number;
  begin(): void;
  take(step: Step): void;
  /** The application ends what is left. */
  hangUp(): void;
}

/** Plays the steps, and lets everything end. */
export function playOrder<Step>({ clock }: Bench, order: Order<Step>): void {
  order.begin();
  clock.advance(20);
  for (const step of order.steps) {
    order.take(step);
    clock.advance(order.gapMs);
  }
  clock.advance(order.settleMs);
  order.hangUp();
  clock.advance(order.settleMs);
}
