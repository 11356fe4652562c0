import { BlockList } from 'node:net';

import { pcmuOffer, promptLevels } from '../support/virtual-call';
import { destination, TransferringCall } from './transferring-call';

const humanLevel = 6_000;
const heldOffer = pcmuOffer.replace('a=sendrecv', 'a=sendonly').replace('o=- 1 1', 'o=- 1 2');
const backOffer = pcmuOffer.replace('o=- 1 1', 'o=- 1 3');

test('a caller whom the destination holds hears our music while that side plays nothing', async () => {
  const call = await new TransferringCall([destination('sales')]).joined('sales');
  await call.callee.reinvite(heldOffer);
  await call.run(100);
  const heldMs = call.clock.now();
  await call.run(1_000);
  expect(call.heardSince(heldMs)).toBe(promptLevels['hold-music']);
  expect(call.longestSilenceSince(heldMs)).toBe(0);

  await call.callee.reinvite(backOffer);
  await call.run(100);
  const backMs = call.clock.now();
  await call.run(200);
  expect(call.heardSince(backMs)).toBe(0);
  call.calleePhone('sales').say(new Int16Array(800).fill(humanLevel));
  await call.run(200);
  expect(call.heardSince(backMs)).toBe(humanLevel);
  call.caller.bye();
  await call.expectClean();
});

test.each([
  ['the music of its own', { 8_000: new Int16Array(8_000).fill(900), 24_000: new Int16Array(24_000).fill(900) }, 900],
  ['our music in place of a ringing tone', 'ringing' as const, promptLevels['hold-music']],
])('a destination that holds the caller plays %s', async (_what, waiting, level) => {
  const call = await new TransferringCall([destination('sales', { waiting })]).joined('sales');
  await call.callee.reinvite(heldOffer);
  await call.run(100);
  const heldMs = call.clock.now();
  await call.run(1_000);
  expect(call.heardSince(heldMs)).toBe(level);
  expect(call.longestSilenceSince(heldMs)).toBe(0);
  call.caller.bye();
  await call.expectClean();
});

test("what the destination's side plays on hold is heard in place of it", async () => {
  const call = await new TransferringCall([destination('sales')]).joined('sales');
  await call.callee.reinvite(heldOffer);
  call.calleePhone('sales').say(new Int16Array(8_000).fill(humanLevel));
  await call.run(100);
  const heldMs = call.clock.now();
  await call.run(500);
  expect(call.heardSince(heldMs)).toBe(humanLevel);
  call.caller.bye();
  await call.expectClean();
});

test("a trunk's codecs are what the destination is offered", async () => {
  const outbound = {
    ...{ host: 'sip.example.com', transport: undefined, digest: undefined, registerSeconds: undefined },
    ...{ callerId: undefined, codecs: ['pcma', 'pcmu'] as const },
  };
  const trunk = { name: 'carrier', networks: [], addresses: new BlockList(), outbound };
  const target = { kind: 'number', number: '600', trunk } as const;
  const call = await new TransferringCall([destination('sales', { target })]).transferring('sales');
  expect(call.callee.invite.sdp).toMatch(/m=audio \d+ RTP\/AVP 8 0 101\r\n/);
  call.caller.bye();
  await call.expectClean();
});
