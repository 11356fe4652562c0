import { answer, createBench, peerAddress, requestText, sent, stackAddress } from '../sip-server/test-peer';
import { oneFieldInvites } from './one-field';

/** `node scripts/fuzz-sip.mjs` asks for every one. */
const every = Number(process.env.RINGBRIDGE_FUZZ_ONE_FIELD_EVERY ?? 7);
/** Timer H, and the BYE after it. */
const goneMs = 64_000;

jest.setTimeout(600_000);

test('an INVITE with one field that is wrong keeps nobody waiting, and nothing of it is left after 64 s', () => {
  const { clock, network, stack, app, peer, stats } = createBench({ routed: ['INVITE', 'OPTIONS'] });
  const cases = oneFieldInvites({ peer: peerAddress, target: stackAddress });
  const unanswered: string[] = [];
  const answerAll = (): void => {
    for (const { transactionId, arrival } of app.requests.splice(0)) {
      const body = arrival.message.method === 'INVITE' ? 'v=0\r\n' : '';
      sent(stack.agent.respond(app, transactionId, answer(200, [], body)));
    }
    clock.advance(20);
  };

  for (const [index, { name, text }] of cases.entries()) {
    if (index % every !== 0) continue;
    peer.send(text);
    clock.advance(20);
    answerAll();
    peer.received.length = 0;
    peer.send(requestText('OPTIONS', { callId: `probe-${index}`, branch: `z9hG4bK-probe-${index}` }));
    clock.advance(20);
    answerAll();
    const isAnswered = peer.received.some(({ headers }) => headers.first('Call-ID') === `probe-${index}`);
    if (!isAnswered) unanswered.push(name);
    network.shipments.length = 0;
    clock.advance(500);
  }
  clock.advance(goneMs);

  expect(unanswered).toEqual([]);
  expect(cases.length).toBeGreaterThan(4_527);
  expect(stats.refusedMalformed).toBeGreaterThan(cases.length / every / 10);
  expect(stats.dialogsCreated).toBeGreaterThan(cases.length / every / 10);
  expect({ dialogs: stack.dialogs.size, timers: clock.pendingTimers }).toEqual({ dialogs: 0, timers: 0 });
});
