import { systemClock } from '../../src/runtime/clock';
import { silentLogger } from '../../src/runtime/logger';
import { seededRandom } from '../../src/runtime/random';
import type { CallerLeg } from '../../src/signalling/caller-leg';
import type { SignallingBug } from '../../src/signalling/guarded';
import { SipLink, type SipLinkOptions } from '../../src/signalling/sip-link';
import type { SipServerKind } from '../../src/signalling/sip-server-address';
import { FakeDrachtioServer, type SentMessage } from './fake-drachtio-server';
import { FakeCaller, type FakeInviteOptions } from './fake-sip-peers';
import { until } from './until';

/** A connected `SipLink` and the fake server on its other side. */
export class LinkUnderTest {
  readonly legs: CallerLeg[] = [];
  readonly bugs: SignallingBug[] = [];
  readonly states: string[] = [];
  readonly server: FakeDrachtioServer;
  readonly link: SipLink;
  onCall: ((leg: CallerLeg) => void) | undefined;

  private constructor(server: FakeDrachtioServer, kind: SipServerKind, options: Partial<SipLinkOptions>) {
    this.server = server;
    this.link = new SipLink({
      server: { ...server.address, kind },
      clock: systemClock,
      random: seededRandom(1),
      log: silentLogger,
      onBug: (bug) => this.bugs.push(bug),
      onCall: (leg) => {
        this.legs.push(leg);
        this.onCall?.(leg);
      },
      onState: (state) => this.states.push(state),
      ...options,
    });
  }

  static async start(options: Partial<SipLinkOptions> = {}, kind: SipServerKind = 'embedded'): Promise<LinkUnderTest> {
    const test = new LinkUnderTest(await FakeDrachtioServer.start(), kind, options);
    await test.link.connect({ deadlineMs: 10_000 });
    return test;
  }

  /** A caller's INVITE, arrived. */
  async invite(options: FakeInviteOptions = {}): Promise<{ leg: CallerLeg; caller: FakeCaller }> {
    const caller = new FakeCaller(this.server, options.callId);
    const before = this.legs.length;
    this.server.send(caller.inviteFrame(options));
    await until(() => this.legs.length > before, 'the INVITE to arrive');
    return { leg: this.legs.at(-1)!, caller };
  }

  /** Sends a request and resolves with the application's final response to it. */
  async request(frame: string): Promise<SentMessage> {
    const cseq = /CSeq: (.*)\r/.exec(frame)?.[1] ?? '';
    this.server.send(frame);
    return this.untilAnswered(cseq);
  }

  async untilAnswered(cseq: string): Promise<SentMessage> {
    const found = (): SentMessage | undefined =>
      this.server.messages.find(
        ({ startLine, headers }) => /^SIP\/2.0 [2-6]/.test(startLine) && headers.get('cseq') === cseq,
      );
    await until(() => found() !== undefined, `an answer to ${cseq}`);
    return found()!;
  }

  /** A few round trips: everything sent before has then been handled on both sides. */
  async settle(): Promise<void> {
    for (let round = 0; round < 3; round += 1) {
      if (this.link.connected) await this.link.ping({ deadlineMs: 10_000 }).catch(() => undefined);
      for (let turn = 0; turn < 3; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    }
  }

  async close(): Promise<void> {
    await this.link.close();
    await this.server.close();
  }
}
